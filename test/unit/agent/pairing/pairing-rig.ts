import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Router } from '../../../../agent/cloud/router.js';
import type { PairAnswer, PairRequest } from '../../../../agent/contract/pairing.js';
import type { Operator } from '../../../../agent/contract/statements.js';
import { utf8 } from '../../../../agent/contract/text.js';
import { topics } from '../../../../agent/contract/topics.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { CodeFile, type CodeMemory, makeCode, NO_CODE } from '../../../../agent/pairing/code-file.js';
import type { JoinedDevice, NewOwner, PairingParts } from '../../../../agent/pairing/ports.js';
import { PairingService, type PressOptions } from '../../../../agent/pairing/service.js';
import type { PairingWay } from '../../../../agent/pairing/window.js';
import { newSigningKey, type SigningKey } from '../../../../scripts/portal/client/keys.js';
import { type OwnerPart, type PairingAttempt, pair } from '../../../../scripts/portal/client/pair.js';
import type { RelayTransport } from '../../../../scripts/portal/client/transport.js';
import { derive } from '../../../support/native-scrypt.js';
import { TestLog } from '../../../support/test-log.js';
import { VirtualClock } from '../../../support/virtual-clock.js';
import { InlineSpake } from './inline-spake.js';

export const SCOPE = { tenant: 'local', serial: 'SN4F2K7Q9D' };
/** Whom the recorder of the rig speaks with. */
export const OPERATOR: Operator = { name: 'Example Cloud', region: 'EU', host: 'broker.example.org' };

export { derive };

/** What lies between app and recorder, relay or local network: honest unless `onDown` or `onUp` say otherwise. They may return other messages in place of the one that came. */
export class MemoryRelay {
  readonly #listeners = new Set<(topic: string, payload: Uint8Array) => void>();
  /** Everything that passed, as the relay saw it. */
  readonly seen: string[] = [];
  onDown: (request: PairRequest) => unknown[] | Promise<unknown[]> = (request) => [request];
  onUp: (answer: PairAnswer) => unknown[] | Promise<unknown[]> = (answer) => [answer];
  toRecorder: (topic: string, payload: Uint8Array, way: PairingWay) => Promise<void> = async () => undefined;

  app(way: PairingWay = 'relay'): RelayTransport {
    return {
      way,
      isOnline: true,
      subscribe: async () => undefined,
      unsubscribe: async () => undefined,
      publish: async (topic, payload) => {
        this.seen.push(payload);
        for (const message of await this.onDown(JSON.parse(payload) as PairRequest))
          void this.toRecorder(topic, utf8(JSON.stringify(message)), way);
      },
      onMessage: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      onOnline: () => () => undefined,
      close: async () => undefined,
    };
  }

  async fromRecorder(answer: PairAnswer): Promise<void> {
    this.seen.push(JSON.stringify(answer));
    for (const message of await this.onUp(answer))
      for (const listener of [...this.#listeners]) listener(topics.pairUp(SCOPE, answer.sid), utf8(JSON.stringify(message)));
  }
}

/** A code file that a test can watch, hold back and break. */
export class WatchedCodeFile extends CodeFile {
  beforeSave: () => Promise<void> = async () => undefined;

  override async save(memory: CodeMemory): Promise<void> {
    await this.beforeSave();
    await super.save(memory);
  }
}

let shared: ReturnType<typeof makeCode> | undefined;

export interface PairingRig {
  readonly folder: string;
  readonly clock: VirtualClock;
  readonly relay: MemoryRelay;
  readonly router: Router;
  readonly log: TestLog;
  readonly device: SigningKey;
  readonly codeFile: WatchedCodeFile;
  readonly spake: InlineSpake;
  readonly installed: NewOwner[];
  readonly joined: JoinedDevice[];
  readonly tries: string[];
  service: PairingService;
  /** What `install` does; replaced to make it fail. */
  install: (owner: NewOwner) => Promise<void>;
  /** A press that must lead to a new code, and that code. */
  press(options?: PressOptions): Promise<string>;
  /** The recorder as it is after a press and a power cut, with the one code that all rigs share: to derive a key from a code takes the longest here. */
  arm(): Promise<string>;
  /** A power cut: a new service over what is on the disk. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

function makeService(rig: PairingRig, sealKey: SigningKey): PairingService {
  const parts: PairingParts = {
    serial: SCOPE.serial,
    signer: rig.device.signer,
    deviceKey: rig.device.publicKey,
    sealKey: sealKey.publicKey,
    boot: 'AAAAAAAAAAAAAAAAAAAAAA',
    operator: OPERATOR,
    codeFile: rig.codeFile,
    spake: rig.spake,
    isOwned: () => rig.installed.length > 0,
    epoch: () => 1,
    install: (owner) => rig.install(owner),
    join: async (device) => void rig.joined.push(device),
    onTry: ({ way, result, code }) => rig.tries.push(`${way} ${result} ${code}`),
    clock: rig.clock,
    log: rig.log,
  };
  return new PairingService(parts);
}

/** A recorder without owner behind an in-memory relay, its messages coming through the real router. */
export async function makeRig(): Promise<PairingRig> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-pairing-'));
  const sealKey = await newSigningKey();
  const clock = new VirtualClock();
  const log = new TestLog();
  const relay = new MemoryRelay();
  const installed: NewOwner[] = [];
  const rig: PairingRig = {
    folder,
    clock,
    relay,
    log,
    device: await newSigningKey(),
    codeFile: new WatchedCodeFile(folder),
    spake: new InlineSpake(),
    installed,
    joined: [],
    tries: [],
    router: new Router({
      scope: SCOPE,
      onCommand: async () => undefined,
      onWithdraw: async () => undefined,
      onCancel: async () => undefined,
      onPair: async (_sid, request, from) => relay.fromRecorder(await rig.service.handle(request, from.source)),
      clock,
      log,
    }),
    service: undefined as unknown as PairingService,
    install: async (owner) => void installed.push(owner),
    press: async (options) => {
      const { code } = await rig.service.press(options);
      if (code === null) throw new RangeError('the printed label was armed instead');
      return code;
    },
    arm: async () => {
      shared ??= makeCode();
      const { code, kept } = await shared;
      await rig.codeFile.save({ ...NO_CODE, once: kept, armed: 'once' });
      await rig.restart();
      return code;
    },
    restart: async () => {
      rig.service = makeService(rig, sealKey);
      await rig.service.start();
    },
    stop: () => rm(folder, { recursive: true, force: true }),
  };
  relay.toRecorder = (topic, payload, source) => rig.router.receive(topic, payload, { source });
  await rig.restart();
  return rig;
}

/** The real app, knocking with this code. */
export const knock = (rig: PairingRig, code: string, way: PairingWay = 'relay'): Promise<PairingAttempt> =>
  pair({ transport: rig.relay.app(way), scope: SCOPE, code, derive });

/** An owner with a key of her own. */
export async function newOwner(): Promise<OwnerPart> {
  const key = await newSigningKey();
  const person = { name: 'Ada Owner', email: 'ada@example.org' };
  return { owner: key.signer, ownerKey: key.publicKey, deviceName: 'Ada’s phone', site: 'Bakery', person, role: 'owner' };
}

/** One message to the recorder without any app, and its answer. */
export const send = (rig: PairingRig, request: Record<string, unknown>, way: PairingWay = 'relay'): Promise<PairAnswer> =>
  rig.service.handle({ v: 1, ...request } as PairRequest, way);

/** A code that is well-formed and not this one. */
export const otherCode = (code: string): string => (code === 'K7MPX2QRT' ? 'K7MPX2QRS' : 'K7MPX2QRT');

/** The stable code of what `act` rejects with. */
export async function codeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
    return 'resolved';
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return error.code;
  }
}
