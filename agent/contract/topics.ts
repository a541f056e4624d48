/**
 * Topics, one tree per recorder: `sl/1/{tenant}/{serial}/up|down/...` (six slashes at most, one subscription, works on every broker
 * that was looked at). Nothing in a topic names a person, a site or a camera.
 */
export interface TopicScope {
  readonly tenant: string;
  readonly serial: string;
}

const root = (scope: TopicScope): string => `sl/1/${scope.tenant}/${scope.serial}`;

/** Every topic by name; ids are 22 characters, base64url. */
export const topics = {
  /** The one subscription of a recorder. */
  downAll: (scope: TopicScope): string => `${root(scope)}/down/#`,
  /** status+jws, retained; also the will. */
  status: (scope: TopicScope): string => `${root(scope)}/up/status`,
  /** checkpoint+jws of the operation log, retained. */
  checkpoint: (scope: TopicScope): string => `${root(scope)}/up/checkpoint`,
  /** Sealed result+jws and event+jws for the command with this id. */
  reply: (scope: TopicScope, id: string): string => `${root(scope)}/up/reply/${id}`,
  /** Sealed cmd+jws. */
  command: (scope: TopicScope, id: string): string => `${root(scope)}/down/cmd/${id}`,
  /**
   * withdraw+jws, retained: also reaches a recorder that was offline when the owner withdrew. The letter box is a random id that only its
   * owner knows, so that nobody else can put something else in its place.
   */
  withdraw: (scope: TopicScope, letterBox: string): string => `${root(scope)}/down/withdraw/${letterBox}`,
  /** Sealed site+jws, retained, for the organisation that holds this grant; empty when the grant is over. */
  site: (scope: TopicScope, grant: string): string => `${root(scope)}/up/site/${grant}`,
  /** cancel+jws, retained, in a letter box of the organisation's. */
  cancel: (scope: TopicScope, letterBox: string): string => `${root(scope)}/down/cancel/${letterBox}`,
  pairDown: (scope: TopicScope, sid: string): string => `${root(scope)}/down/pair/${sid}`,
  pairUp: (scope: TopicScope, sid: string): string => `${root(scope)}/up/pair/${sid}`,
} as const;

/** What can come down to a recorder. */
export type DownKind = 'cmd' | 'pair' | 'withdraw' | 'cancel';

/** What a topic under `down/` of this recorder means; undefined for anything else. */
export function readDownTopic(scope: TopicScope, topic: string): { kind: DownKind; id: string } | undefined {
  const prefix = `${root(scope)}/down/`;
  if (!topic.startsWith(prefix)) return undefined;
  const [kind, id, ...rest] = topic.slice(prefix.length).split('/');
  if (rest.length > 0) return undefined;
  const isKnown = kind === 'cmd' || kind === 'pair' || kind === 'withdraw' || kind === 'cancel';
  if (isKnown && id !== undefined && /^[A-Za-z0-9_-]{22}$/.test(id)) return { kind, id };
  return undefined;
}
