/**
 * Who may publish and read which topic at the relay. Pure. Authority over a recorder comes from signatures that only the recorder
 * judges; these rules keep clients out of each other's letter boxes and the fleet from being watched.
 */

/** A recorder that proved its key, or an app, which proves nothing and may therefore only knock. */
export type Principal = { readonly kind: 'device'; readonly serial: string } | { readonly kind: 'app' };

/** What a client wants to publish, as far as the rules look at it. */
export interface PublishRequest {
  readonly topic: string;
  readonly isRetained: boolean;
  readonly isEmpty: boolean;
}

const ID = '[A-Za-z0-9_-]{22}';
const SERIAL = '[A-Z0-9]{6,20}';

/** The three walls of the relay; none of them changes anything. */
export interface AccessRules {
  mayPublish(who: Principal, request: PublishRequest): boolean;
  /** For a subscription's filter, wildcards included. */
  maySubscribe(who: Principal, filter: string): boolean;
  /** The second wall: for each message that is about to be delivered. */
  mayReceive(who: Principal, topic: string): boolean;
  /** Whose letter box this is, when it is one where letters wait. */
  waitsFor(topic: string): string | undefined;
}

/** Rules of one tenant (`sl/1/<tenant>/<serial>/up|down/…`). `isKnown` tells whether a recorder with this serial was ever here. */
export function makeAccessRules(tenant: string, isKnown: (serial: string) => boolean): AccessRules {
  const root = `sl/1/${tenant}/`;
  const knock = new RegExp(`^${root}(${SERIAL})/down/(?:cmd|pair)/${ID}$`);
  // What waits for a recorder that is away: an owner's withdrawal, an organisation's list of badges that were called back. Nobody but who
  // left it there knows the letter box, so nobody else can replace it or take it away.
  const waiting = new RegExp(`^${root}(${SERIAL})/down/(?:withdraw|cancel)/${ID}$`);
  // The serial is always spelled out: nobody can watch the fleet.
  const read = new RegExp(`^${root}${SERIAL}/up/(?:status|checkpoint|(?:reply|pair)/(?:\\+|${ID})|site/${ID})$`);

  function mayDevicePublish(serial: string, { topic, isRetained }: PublishRequest): boolean {
    const up = `${root}${serial}/up/`;
    if (!topic.startsWith(up)) return false;
    // What answers one question has no reader later: kept, it would only fill the memory.
    return !isRetained || !/^(reply|pair)\//.test(topic.slice(up.length));
  }

  return {
    mayPublish(who, request) {
      if (who.kind === 'device') return mayDevicePublish(who.serial, request);
      if (knock.test(request.topic)) return !request.isRetained;
      const serial = waiting.exec(request.topic)?.[1];
      return serial !== undefined && (!request.isRetained || isKnown(serial));
    },
    waitsFor: (topic) => waiting.exec(topic)?.[1],
    maySubscribe(who, filter) {
      return who.kind === 'device' ? filter.startsWith(`${root}${who.serial}/down/`) : read.test(filter);
    },
    mayReceive(who, topic) {
      return who.kind === 'device' ? topic.startsWith(`${root}${who.serial}/down/`) : read.test(topic);
    },
  };
}
