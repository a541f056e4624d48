import { type Signer, signStatement, thumbprint, unverifiedPayload } from '../../agent/contract/jws.js';
import type { AnswerOf, ArgsOf, OperationName } from '../../agent/contract/operations.js';
import type { PublicJwk } from '../../agent/contract/shapes.js';
import type { Checkpoint, Grant, Status } from '../../agent/contract/statements.js';
import { newId } from '../../agent/contract/text.js';
import type { Application, CameraInfo, GrantState, LogRow, SiteInfo } from '../../agent/contract/views.js';
import { AgentError } from '../../agent/kernel/errors.js';
import type { RecorderLink } from '../../scripts/portal/web/state/services.js';
import { type FakeScene, fakeCameraHandlers, fakeLogin } from './fake-cameras.js';
import { fakeFootageHandlers } from './fake-footage.js';
import { fakeLogHandlers } from './fake-log.js';
import { FakeOwnership, type OwnershipOptions } from './fake-ownership.js';
import { answerOffer, makeCameras, makeHealth, makeSite } from './fake-scene.js';

/** A recorder in the memory of a page, with a canvas as its camera: for looking at the app and testing its pages without an agent. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const KEY: PublicJwk = { kty: 'EC', crv: 'P-256', x: 'x'.repeat(43), y: 'y'.repeat(43) };
const DONE = { isDone: true as const };
const ERASED = { kind: 'employee', name: null, email: null, isErased: true };
const ORG = { name: 'Example Alarms', key: KEY };

export interface FakeOptions extends OwnershipOptions {
  readonly serial: string;
  /** The recorder's key, where something is to be signed with it. */
  readonly key?: PublicJwk;
  readonly isOffline?: boolean;
  readonly isEmpty?: boolean;
  /** Its cameras complain of themselves. */
  readonly isAlarmed?: boolean;
  /** What the installer is granted. */
  readonly granted?: GrantState['scopes'];
  /** Signs the state of the log, so that a page can compare it. */
  readonly signer?: Signer;
  /** Somebody reset it: it has no owner. */
  readonly isReset?: boolean;
  /** Milliseconds before each answer. */
  readonly delayMs?: number;
}

type Handlers = {
  [Name in OperationName]?: (
    args: ArgsOf<Name>,
    options?: { onEvent?: (event: 'live.ended', body: unknown) => void; onPiece?: (body: unknown) => void },
  ) => unknown;
};

/** See the file's head. */
export class FakeRecorder implements RecorderLink {
  status: Status | undefined;
  /** Root over the rows of the log; a page that knows another one has been deceived. */
  logRoot = 'd'.repeat(64);
  /** Gives no answer any more to what is asked of it. */
  isMute = false;
  readonly calls: { op: OperationName; args: unknown }[] = [];
  readonly #options: FakeOptions;
  readonly #listeners = new Set<(status: Status) => void>();
  readonly #live = new Map<string, { peer: RTCPeerConnection; end(): void }>();
  readonly #cameras: CameraInfo[];
  #recorderName = 'Office recorder';
  #applications: Application[];
  #grants: GrantState[];
  #log: LogRow[] = [];
  readonly #ownership: FakeOwnership;
  readonly #handlers: Handlers;

  constructor(options: FakeOptions) {
    const now = Date.now();
    this.#options = options;
    this.#cameras = options.isEmpty === true ? [] : makeCameras(now, options.isAlarmed === true);
    const person = { name: 'Dana Example', email: 'dana@example.org' };
    this.#applications =
      options.isEmpty === true
        ? []
        : [
            {
              id: newId(),
              org: ORG,
              person,
              scopes: ['site-information', 'health', 'live-view', 'ptz'],
              cams: null,
              durationMs: HOUR,
              note: 'The door camera is out of focus; we would like to adjust it together with you.',
              at: now - 4 * MINUTE,
            },
          ];
    const grant = { org: ORG, cams: null, hours: null, iat: now - HOUR, endedAt: null } as const;
    const granted = options.granted ?? ['health'];
    this.#grants =
      options.isEmpty === true
        ? []
        : [
            ...(granted.length === 0
              ? []
              : [{ ...grant, id: newId(), scopes: [...granted], exp: now + 20 * HOUR, state: 'in-force' as const }]),
            { ...grant, id: newId(), scopes: ['live-view'], exp: now - HOUR, state: 'withdrawn', endedAt: now - 2 * HOUR },
          ];
    if (options.isEmpty !== true) {
      for (let seq = 1; seq <= 12; seq += 1) this.#note('live.open', seq % 5 === 0 ? 'refused' : 'ok', now - (13 - seq) * 7 * MINUTE);
      this.#note('security.cool-down', 'ok', now - 3 * MINUTE);
    }
    const changed = (action: string): void => {
      this.#note(action, 'ok');
      this.#publish(1);
    };
    this.#ownership = new FakeOwnership(options, changed, () => thumbprint(options.key ?? KEY));
    this.#handlers = this.#makeHandlers();
  }

  async start(): Promise<void> {
    await Promise.resolve();
    this.#publish(0);
  }

  onStatus(listener: (status: Status) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  call: RecorderLink['call'] = async (op, args, options) => {
    this.calls.push({ op, args });
    await new Promise((resolve) => setTimeout(resolve, this.#options.delayMs ?? 5));
    if (this.isMute) throw new AgentError({ code: 'client.timeout', say: 'The recorder did not answer in time.', fix: 'Try again.' });
    if (this.#options.isReset === true) {
      const say = 'This recorder has no owner yet.';
      throw new AgentError({ code: 'permissions.no_owner', say, fix: 'Pair it first, with the code on its label.' });
    }
    if (this.#options.isOffline === true) {
      throw new AgentError({
        code: 'client.unreachable',
        say: 'The recorder is switched off or has no connection.',
        fix: 'Check its power.',
      });
    }
    const handler = this.#handlers[op] as ((given: unknown, more: unknown) => unknown) | undefined;
    if (handler === undefined) throw new AgentError({ code: 'fake.unknown', say: `The fake knows no ${op}.`, fix: 'Teach it.' });
    return (await handler(args, options)) as AnswerOf<typeof op>;
  };

  close(): void {
    this.#listeners.clear();
    for (const { end } of this.#live.values()) end();
  }

  #publish(changed: number): void {
    const changes = this.status?.changes ?? { permissions: 0, cameras: 0, config: 0, security: 0 };
    this.status = {
      v: 1,
      dev: this.#options.serial,
      state: this.#options.isOffline === true ? 'offline' : 'online',
      isPaired: true,
      boot: newId(),
      up: Math.floor(performance.now()),
      version: '0.1.0',
      key: this.#options.key ?? KEY,
      seal: KEY,
      changes: { ...changes, permissions: changes.permissions + changed, config: changes.config + changed },
      at: Date.now() - (this.#options.isOffline === true ? 3 * HOUR : 0),
    };
    for (const listener of this.#listeners) listener(this.status);
  }

  #note(action: string, result: LogRow['result'], at = Date.now(), detail: LogRow['detail'] = null): void {
    const isOwner = /^(permissions|owner)\./.test(action);
    const isSystem = action.startsWith('security.');
    this.#log.push({
      seq: this.#log.length + 1,
      at,
      clock: 'ntp',
      phase: 'result',
      action,
      source: 'relay',
      actor: isSystem
        ? { kind: 'system', name: null, email: null, isErased: false }
        : isOwner
          ? { kind: 'owner', name: 'Robin Example', email: 'robin@example.org', isErased: false }
          : { kind: 'employee', name: 'Dana Example', email: 'dana@example.org', isErased: false },
      organisation: isOwner || isSystem ? null : 'org',
      grant: null,
      channel: action.startsWith('live.') ? 'cam-1' : null,
      scope: null,
      object: null,
      result,
      code: result === 'refused' ? 'permissions.not_granted' : null,
      session: null,
      durationMs: result === 'ok' ? 83_000 : null,
      bytes: null,
      intentSeq: null,
      detail,
      head: 'a'.repeat(64),
    });
  }

  #site(): SiteInfo {
    return makeSite(this.#options.serial, this.#recorderName, this.#cameras, [...this.#live.keys()]);
  }

  #withdraw(ids: readonly string[] | 'all'): AnswerOf<'permissions.withdraw'> {
    this.#grants = this.#grants.map((grant) =>
      grant.state === 'in-force' && (ids === 'all' || ids.includes(grant.id))
        ? { ...grant, state: 'withdrawn', endedAt: Date.now() }
        : grant,
    );
    const closed = [...this.#live.keys()].map((session) => ({ session, cam: 'cam-1', lastMediaMs: 4 }));
    for (const { end } of this.#live.values()) end();
    this.#note('permissions.withdraw', 'ok');
    this.#publish(1);
    return { withdraw: 'w'.repeat(43), epoch: 1, closed, lastMediaMs: 4 };
  }

  #plan({ base, patch }: ArgsOf<'config.plan'>): AnswerOf<'config.plan'> {
    const sub = patch.cameras?.['cam-1']?.sub;
    const rate = sub?.frameRate;
    if (rate !== undefined && rate > 25) {
      const refusal = {
        code: 'config.not_offered',
        say: 'The camera does not offer this.',
        fix: 'Choose what it offers.',
        offers: ['1 to 25'],
      };
      return { base, steps: [], refused: [{ path: 'cameras.cam-1.sub.frameRate', ...refusal }] };
    }
    const steps: AnswerOf<'config.plan'>['steps'] = [];
    if (patch.recorderName !== undefined)
      steps.push({ path: 'recorderName', from: this.#recorderName, to: patch.recorderName, risk: 'harmless' });
    if (rate !== undefined) steps.push({ path: 'cameras.cam-1.sub.frameRate', from: 15, to: rate, risk: 'interrupts-video' });
    const name = patch.cameras?.['cam-1']?.name;
    if (name !== undefined) steps.push({ path: 'cameras.cam-1.name', from: 'Front door', to: name, risk: 'harmless' });
    return { base, steps, refused: [] };
  }

  #makeHandlers(): Handlers {
    return {
      'site.get': () => this.#site(),
      'health.get': () => makeHealth(this.#cameras),
      'log.list': ({ beforeSeq, limit, action = '' }) => {
        const isWanted = (row: LogRow): boolean => (beforeSeq === null || row.seq < beforeSeq) && row.action.startsWith(action);
        const rows = this.#log.filter(isWanted).slice(-limit);
        return { rows, size: this.#log.length, head: 'b'.repeat(64), checkpoint: 'c'.repeat(40), organisations: { org: ORG.name } };
      },
      ...fakeLogHandlers({
        note: (action) => this.#note(action, 'ok'),
        stop: () => this.#withdraw('all'),
        erase: () => {
          this.#log = this.#log.map((row) => (row.actor.kind === 'employee' ? { ...row, actor: ERASED } : row));
        },
        size: () => this.#log.length,
      }),
      ...this.#witnessHandler(),
      ...fakeCameraHandlers(this.#scene()),
      ...fakeFootageHandlers(this.#options.serial, this.#options.signer),
      ...this.#ownership.handlers(),
      ...this.#permissionHandlers(),
      ...this.#configHandlers(),
      ...this.#liveHandlers(),
    };
  }

  #scene(): FakeScene {
    return { cameras: this.#cameras, changed: () => this.#publish(1) };
  }

  /** Its log as it is signed: always of the same length, under `logRoot`. */
  #witnessHandler(): Handlers {
    const { signer, serial } = this.#options;
    if (signer === undefined) return {};
    return {
      'log.witness': async () => {
        const checkpoint: Checkpoint = { v: 1, device: serial, size: 12, head: 'b'.repeat(64), root: this.logRoot, at: Date.now() };
        return { problem: null, checkpoint: await signStatement('checkpoint+jws', checkpoint, signer), path: [], beginsAt: 0 };
      },
    };
  }

  #permissionHandlers(): Handlers {
    return {
      'permissions.list': () => ({
        epoch: 1,
        now: Date.now(),
        site: 'Corner shop',
        ...this.#ownership.info(),
        applications: this.#applications,
        grants: this.#grants,
      }),
      'permissions.mine': () => ({
        epoch: 1,
        now: Date.now(),
        site: 'Corner shop',
        pending: this.#applications.map(({ id, scopes, at }) => ({ id, scopes, at })),
        declined: [],
        grants: this.#grants.map((grant) => ({ ...grant, statement: 's'.repeat(30) })),
      }),
      'permissions.grant': ({ grant, application }) => {
        const { id, org, scopes, cams, hours, iat, exp } = unverifiedPayload(grant) as Grant;
        if (application !== null) this.#applications = this.#applications.filter((known) => known.id !== application);
        this.#grants = [{ id, org, scopes, cams, hours, iat, exp, state: 'in-force', endedAt: null }, ...this.#grants];
        this.#note('permissions.grant', 'ok', Date.now(), {
          before: null,
          after: { organisation: org.name, scopes, cameras: cams ?? 'all', hours: hours ?? 'any', until: exp },
        });
        this.#publish(1);
        return { id };
      },
      'permissions.decline': () => {
        this.#applications = [];
        this.#publish(1);
        return DONE;
      },
      'permissions.withdraw': ({ statement }) => {
        const { ids, all } = JSON.parse(atob((statement.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/'))) as {
          ids: string[];
          all: boolean;
        };
        return this.#withdraw(all ? 'all' : ids);
      },
      'permissions.apply': ({ org, scopes, durationMs, note }) => {
        const person = { name: 'Dana Example', email: 'dana@example.org' };
        this.#applications.push({ id: newId(), org, person, scopes, cams: null, durationMs, note, at: Date.now() });
        return { id: newId() };
      },
    };
  }

  #configHandlers(): Handlers {
    return {
      'config.get': () => ({
        version: 'v'.repeat(43),
        recorderName: this.#recorderName,
        cameras: Object.fromEntries(
          this.#cameras.map((camera) => [
            camera.id,
            {
              name: camera.name,
              main: camera.streams.length > 0 ? { width: 1280, height: 720, frameRate: 25 } : null,
              sub: camera.streams.length > 0 ? { width: 640, height: 360, frameRate: 15 } : null,
              hasLogin: camera.hasLogin,
            },
          ]),
        ),
      }),
      'config.options': () => ({
        resolutions: [
          { width: 640, height: 360 },
          { width: 320, height: 180 },
        ],
        frameRate: { min: 1, max: 25 },
      }),
      'config.plan': (args) => this.#plan(args),
      'config.apply': (args) => {
        const { steps } = this.#plan(args);
        for (const [cam, { login }] of Object.entries(args.patch.cameras ?? {}))
          if (login !== undefined && login !== null) fakeLogin(this.#scene(), cam, login.password);
        if (args.patch.recorderName !== undefined) this.#recorderName = args.patch.recorderName;
        this.#publish(1);
        return { version: 'v'.repeat(43), steps: steps.map((step) => ({ ...step, isReadBack: step.path.includes('sub') })) };
      },
    };
  }

  #liveHandlers(): Handlers {
    return {
      'live.open': async ({ cam, sdp }, options) => {
        const session = newId();
        const { peer, ...answer } = await answerOffer(sdp);
        const end = (): void => {
          peer.close();
          this.#live.delete(session);
          options?.onEvent?.('live.ended', {
            session,
            cam,
            code: 'permissions.withdrawn',
            say: 'The owner has taken the permission back.',
            fix: 'Ask the owner if you still need it.',
            at: Date.now(),
            lastMediaMs: 4,
            durationMs: 1000,
            bytes: 1,
          });
        };
        this.#live.set(session, { peer, end });
        return { session, cam, ...answer, until: Date.now() + 600_000, watermark: 'Robin Example · owner' };
      },
      'live.stream': ({ stream }) => ({ stream: stream === 'auto' ? 'sub' : stream }),
      'live.close': ({ session }) => {
        this.#live.get(session)?.end();
        return DONE;
      },
    };
  }
}

/** Thumbprint of the fake's key. */
export const fakeDeviceKey = (): Promise<string> => thumbprint(KEY);
