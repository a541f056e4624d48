/** Cameras, their memory and the recorder's at the level of the configuration's ports. They behave, until a test tells them not to. */
import type { ConfigDocument } from '../../../../agent/config/document.js';
import type { ConfigCamera, ConfigCameras, ConfigStore, EncoderPatch, StreamKind } from '../../../../agent/config/ports.js';
import { ConfigService } from '../../../../agent/config/service.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { createLog } from '../../../../agent/kernel/log.js';
import { Secret } from '../../../../agent/kernel/secret.js';
import type { Login, VideoEncoderOptions, VideoEncoderSettings } from '../../../../drivers/port.js';
import { HandClock } from '../kernel/hand-clock.js';

export const OFFERS: Readonly<Record<StreamKind, VideoEncoderOptions>> = {
  main: {
    resolutions: [
      { width: 1920, height: 1080 },
      { width: 1280, height: 720 },
    ],
    frameRate: { min: 5, max: 30 },
    bitrateKbps: undefined,
    gopLength: undefined,
  },
  sub: {
    resolutions: [
      { width: 640, height: 360 },
      { width: 320, height: 180 },
      { width: 640, height: 480 },
    ],
    frameRate: { min: 1, max: 25 },
    bitrateKbps: undefined,
    gopLength: undefined,
  },
};

const video = (width: number, height: number, frameRate: number): VideoEncoderSettings => ({
  codec: 'H264',
  width,
  height,
  frameRate,
  bitrateKbps: 1024,
  gopLength: 50,
});

export const trouble = (code: string, retryable = false): AgentError =>
  new AgentError({ code, say: 'Camera does not answer within 10 s.', fix: 'Restart the camera.', retryable });

/** Used at cameras without a login of their own. */
const GROUP: Login = { user: 'group', password: new Secret('group') };

/** One camera; tests change its fields while it runs. */
export interface ModelCamera {
  readonly id: string;
  ownName: string;
  givenName: string;
  state: ConfigCamera['state'];
  reason: ConfigCamera['reason'];
  streams: Partial<Record<StreamKind, VideoEncoderSettings>>;
  /** The login of its own that is stored for it. */
  login: Login | undefined;
  /** Passwords it accepts; undefined accepts any. */
  accepts: readonly string[] | undefined;
  /** What the camera makes of what it is told. */
  take: (wanted: VideoEncoderSettings, kind: StreamKind) => VideoEncoderSettings;
}

export function modelCamera(id: string, more: Partial<ModelCamera> = {}): ModelCamera {
  return {
    id,
    ownName: `Model ${id}`,
    givenName: '',
    state: 'online',
    reason: undefined,
    streams: { main: video(1280, 720, 25), sub: video(640, 360, 15) },
    login: undefined,
    accepts: undefined,
    take: (wanted) => wanted,
    ...more,
  };
}

export class ModelCameras implements ConfigCameras {
  readonly cameras: ModelCamera[];
  /** Everything that was asked for, `operation cam-1 ...`. */
  readonly calls: string[] = [];
  readonly #listeners = new Set<() => void>();
  /** Runs before each operation; may throw, or change the world. */
  before: (call: string) => void = () => undefined;

  constructor(cameras: ModelCamera[]) {
    this.cameras = cameras;
  }

  /** Those that change something. */
  get acts(): readonly string[] {
    return this.calls.filter((call) => /^(?:set|rename)/.test(call));
  }

  get(id: string): ModelCamera {
    const found = this.cameras.find((camera) => camera.id === id);
    if (found === undefined) throw trouble('cameras.no_such_camera');
    return found;
  }

  list(): readonly ConfigCamera[] {
    return this.cameras.map(({ id, ownName, givenName, state, reason, streams, login }) => ({
      id,
      name: givenName || ownName,
      state,
      reason,
      streams: (['main', 'sub'] as const).flatMap((kind) => {
        const settings = streams[kind];
        return settings === undefined ? [] : [{ kind, ...settings }];
      }),
      hasLogin: login !== undefined,
    }));
  }

  find(id: string): ConfigCamera | undefined {
    return this.list().find((camera) => camera.id === id);
  }

  encoderOptions(id: string, kind: StreamKind, signal?: AbortSignal): Promise<VideoEncoderOptions> {
    return this.#call(`offers ${id} ${kind}`, signal, () => OFFERS[kind]);
  }

  setEncoder(id: string, kind: StreamKind, patch: EncoderPatch, signal?: AbortSignal) {
    return this.#call(`set ${id} ${kind} ${JSON.stringify(patch)}`, signal, () => {
      const camera = this.get(id);
      const before = camera.streams[kind];
      if (before === undefined) throw trouble('cameras.no_such_stream');
      const after = camera.take({ ...before, ...patch }, kind);
      camera.streams = { ...camera.streams, [kind]: after };
      return { before, after };
    });
  }

  rename(id: string, name: string): Promise<ConfigCamera> {
    return this.#call(`rename ${id} ${name}`, undefined, () => {
      this.get(id).givenName = name;
      return this.#view(id);
    });
  }

  setLogin(id: string, login: Login | undefined): Promise<ConfigCamera> {
    return this.#call(`set-login ${id} ${login?.user ?? 'none'}`, undefined, () => {
      const camera = this.get(id);
      camera.login = login;
      const isAccepted = camera.accepts === undefined || camera.accepts.includes((login ?? GROUP).password.reveal());
      camera.state = isAccepted ? 'online' : 'unauthorized';
      camera.reason = isAccepted ? undefined : { code: 'cameras.wrong_password', say: 'Camera refuses the password.', fix: 'Enter it.' };
      return this.#view(id);
    });
  }

  loginInUse(id: string): Login | undefined {
    const { state, login } = this.get(id);
    return state === 'online' ? (login ?? GROUP) : undefined;
  }

  check(id: string): Promise<ConfigCamera> {
    return this.#call(`check ${id}`, undefined, () => this.#view(id));
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #view(id: string): ConfigCamera {
    const found = this.find(id);
    if (found === undefined) throw trouble('cameras.no_such_camera');
    return found;
  }

  async #call<T>(call: string, signal: AbortSignal | undefined, work: () => T): Promise<T> {
    this.calls.push(call);
    await Promise.resolve();
    if (signal?.aborted === true) throw trouble('cameras.cancelled', true);
    this.before(call);
    const done = work();
    this.changed();
    return done;
  }
}

export class MemoryConfigStore implements ConfigStore {
  document: ConfigDocument | undefined;
  fails: AgentError | undefined;

  load(): Promise<ConfigDocument | undefined> {
    return Promise.resolve(this.document);
  }

  async save(document: ConfigDocument): Promise<void> {
    await Promise.resolve();
    if (this.fails !== undefined) throw this.fails;
    this.document = JSON.parse(JSON.stringify(document)) as ConfigDocument;
  }
}

export interface ModelSite {
  readonly cameras: ModelCameras;
  readonly store: MemoryConfigStore;
  readonly config: ConfigService;
  readonly lines: string[];
}

/** A started service over these cameras. */
export async function modelSite(...cameras: ModelCamera[]): Promise<ModelSite> {
  const clock = new HandClock();
  const lines: string[] = [];
  const log = createLog({ level: 'debug', clock, format: 'json', write: (line) => lines.push(line) });
  const site = { cameras: new ModelCameras(cameras), store: new MemoryConfigStore(), lines };
  const config = new ConfigService({ cameras: site.cameras, store: site.store, recorderName: 'Recorder', clock, log });
  await config.start();
  return { ...site, config };
}

/** The AgentError that `work` rejects with. */
export async function failure(work: Promise<unknown>): Promise<AgentError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw trouble('test.nothing_thrown');
}

export const deferred = (): { promise: Promise<void>; resolve: () => void } => {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
};
