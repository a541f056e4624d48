/** Everything of a camera that needs no socket: its state and the services over it. */

import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Backchannel } from './audio-operations.js';
import { notifyConsumer } from './base-notify.js';
import { Accounts, startClock } from './camera-clock.js';
import { EVENT_NAMES, type EventName, eventMessage, firstSource, type RaisedEvent, restingProperties } from './camera-events.js';
import type { CameraOptions, CameraSwitches } from './camera-options.js';
import { cameraServices, type DeviceSurroundings } from './camera-services.js';
import { type Clip, indexClip } from './clip.js';
import { CLIP_FOLDER } from './clip-folder.js';
import { InOut } from './device-io.js';
import type { CameraIdentity } from './device-service.js';
import { clipFor, type EncoderSettings, offerOf } from './encoders.js';
import { ImagingState } from './imaging-state.js';
import { type MediaState, Overlays } from './media-state.js';
import { PlayOut } from './play-out.js';
import { PtzState } from './ptz-state.js';
import { PtzTours } from './ptz-tours.js';
import { PullPoints } from './pull-points.js';
import { NO_QUIRKS } from './quirks.js';
import { defaultSpans } from './recordings.js';
import type { ReplayCounters } from './replay.js';
import type { StreamKind } from './rtsp-context.js';
import { SoapFault } from './soap.js';
import { KINDS } from './tokens.js';

let clips: readonly Clip[] | undefined;

/** Reads and indexes all clips, once for all cameras of the process; a few milliseconds for 2 MB. */
function readClips(): readonly Clip[] {
  clips ??= readdirSync(CLIP_FOLDER).flatMap((name) => {
    const match = /^(\d+)x(\d+)-(\d+)\.h264$/.exec(name);
    if (match === null) return [];
    const [width, height, rate] = match.slice(1).map(Number) as [number, number, number];
    return [indexClip(readFileSync(join(CLIP_FOLDER, name)), { width, height, rate })];
  });
  return clips;
}

function makeUuid(options: CameraOptions, serial: string): string {
  if (options.uuid !== undefined) return options.uuid;
  const hex = createHash('sha256')
    .update(`${serial}/${options.name ?? ''}`)
    .digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The two encoders with their settings, as one piece of state. */
function createEncoders(all: readonly Clip[], counters: { syncRequests: number }, switches: CameraSwitches) {
  const settings: Record<StreamKind, EncoderSettings> = {
    main: { width: 1280, height: 720, rate: 25, bitrateKbps: 2048, quality: 5 },
    sub: { width: 640, height: 360, rate: 25, bitrateKbps: 512, quality: 4 },
  };
  const start = (kind: StreamKind): PlayOut => {
    const clip = clipFor(settings[kind], all);
    if (clip === undefined) throw new RangeError(`no clip for ${kind}: run scripts/make-clip.ts`);
    return new PlayOut(clip, Date.now);
  };
  const streams = new Map(KINDS.map((kind) => [kind, start(kind)]));
  return {
    streams,
    settings: (kind: StreamKind): EncoderSettings => settings[kind],
    offer: (kind: StreamKind) => offerOf(kind, all),
    apply(kind: StreamKind, next: EncoderSettings): void {
      const clip = clipFor(next, all);
      if (clip === undefined) throw new SoapFault('Receiver', ['ter:Action'], 'No such combination');
      settings[kind] = next;
      streams.get(kind)?.change(clip);
    },
    synchronize(kind: StreamKind): void {
      counters.syncRequests += 1;
      if (!switches.ignoresSync) streams.get(kind)?.synchronize();
    },
  };
}

const startSwitches = (options: CameraOptions): CameraSwitches => ({
  password: options.password ?? 'camera',
  slowMs: options.slowMs ?? 0,
  goneOffline: options.goneOffline ?? false,
  hangs: options.hangs ?? false,
  streamScheme: options.streamScheme ?? 'rtsp',
  streamHost: options.streamHost ?? '',
  clockSkewMs: options.clockSkewMs ?? 0,
  ignoresSync: options.ignoresSync ?? false,
  longestPullMs: options.longestPullMs ?? 60_000,
  longestLifeMs: options.longestLifeMs ?? 3_600_000,
  quirks: { ...NO_QUIRKS, ...options.quirks },
});

const startCounters = () => ({
  ...{ openConnections: 0, connections: 0, playingSessions: 0, plays: 0, mediaBytes: 0, dropped: 0 },
  ...{
    syncRequests: 0,
    soapRequests: 0,
    soapFaults: 0,
    failedLogins: 0,
    lockedLogins: 0,
    clearPasswords: 0,
    reboots: 0,
    firmwareBytes: 0,
    unknownPaths: 0,
  },
  replay: { plays: 0, pictures: 0, readAtMs: undefined } as ReplayCounters,
  operations: {} as Record<string, number>,
  auxiliary: [] as string[],
});

/** Properties and who is told of their changes. */
function createEvents(switches: CameraSwitches, now: () => number, kinds: readonly EventName[] = EVENT_NAMES) {
  const points = new PullPoints(() => performance.now(), notifyConsumer);
  const properties = restingProperties(now(), kinds);
  const raise = ({ kind, isOn, source = firstSource(kind) }: RaisedEvent): void => {
    let state = properties.find((one) => one.kind === kind && one.source === source);
    if (state === undefined) {
      state = { kind, source, isOn, atMs: now() };
      properties.push(state);
    }
    Object.assign(state, { isOn, atMs: now() });
    const isUntold = switches.quirks.neverClears && !isOn && (kind === 'motion' || kind === 'tamper');
    if (!isUntold) points.broadcast(eventMessage(state, 'Changed', switches.quirks));
  };
  return { points, raise, kinds, properties: () => properties };
}

const makeIdentity = (options: CameraOptions, serial: string): CameraIdentity => ({
  name: options.name ?? 'Front door',
  manufacturer: 'Sightline',
  model: options.model ?? 'Test Camera 720',
  firmware: '1.0.0',
  serial,
  hardware: 'TC-720',
  location: 'test bench',
  hasPtz: options.ptz ?? true,
  hasSpeaker: options.backchannel ?? false,
});

/** State and services of one camera. */
export function createDevice(options: CameraOptions, surroundings: DeviceSurroundings) {
  const serial = options.serial ?? randomBytes(6).toString('hex').toUpperCase();
  const identity = makeIdentity(options, serial);
  const switches = startSwitches(options);
  const counters = startCounters();
  const clock = startClock();
  const now = (): number => Date.now() + switches.clockSkewMs + clock.aheadMs + (switches.quirks.clockDrift?.aheadMs ?? 0);
  const user = options.user ?? 'admin';
  const main = { user, password: () => switches.password, change: (password: string) => void Object.assign(switches, { password }) };
  const accounts = new Accounts(main, options.accounts ?? []);
  const encoders = createEncoders(readClips(), counters, switches);
  const ptz = new PtzState();
  const tours = new PtzTours(ptz, now);
  const imaging = new ImagingState();
  const events = createEvents(switches, now, options.tells);
  const io = new InOut((kind, source, isOn) => events.raise({ kind, source, isOn }));
  const spans = options.recordings ?? defaultSpans(Date.now());
  const endpoint = `urn:uuid:${makeUuid(options, serial)}`;
  const media: MediaState = {
    ...encoders,
    hasPtz: identity.hasPtz,
    backchannel: new Backchannel(options.backchannel ?? false, options.backchannelIsBound ?? true),
    quirks: () => switches.quirks,
    login: () => ({ user, password: switches.password }),
    overlays: new Overlays(),
  };
  const onAuxiliary = (command: string): void => void counters.auxiliary.push(command);
  const state = { identity, endpoint, switches, clock, accounts, media, ptz, tours, imaging, io, events, spans, onAuxiliary };
  const services = cameraServices(options, state, surroundings);
  const stop = (): void => {
    for (const stream of encoders.streams.values()) stream.stop();
    tours.stopAll();
    io.stop();
    events.points.clear();
  };
  return { ...state, counters, encoders, services, now, stop };
}

/** One camera without its sockets. */
export type Device = ReturnType<typeof createDevice>;
