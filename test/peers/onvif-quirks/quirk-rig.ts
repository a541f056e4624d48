/** A test camera with a quirk, our driver at it, and someone who listens to its events. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createOnvifConnector } from '../../../drivers/onvif/connector.js';
import type { CameraCapabilities, CameraDriver, CameraEvent, DriverError } from '../../../drivers/port.js';
import { type CameraOptions, type OnvifCamera, startOnvifCamera } from '../onvif-camera/onvif-camera.js';
import { type CameraQuirks, QUIRKS } from '../onvif-camera/quirks.js';
import { login, patient, QUIET } from '../onvif-rig.js';

/** The machine's clock, which can be made to run faster: timers under way come sooner then, too. */
class HurryClock {
  #startMs = performance.now();
  #baseMs = performance.now();
  #factor = 1;
  readonly #pending = new Set<{ readonly dueMs: number; readonly act: () => void; handle: NodeJS.Timeout }>();

  now(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return this.#baseMs + (performance.now() - this.#startMs) * this.#factor;
  }

  after(delayMs: number, act: () => void): { cancel(): void } {
    const entry = { dueMs: this.monotonicMs() + delayMs, act, handle: setTimeout(() => this.#fire(entry), delayMs / this.#factor) };
    this.#pending.add(entry);
    return {
      cancel: () => {
        clearTimeout(entry.handle);
        this.#pending.delete(entry);
      },
    };
  }

  hurry(factor: number): void {
    this.#baseMs = this.monotonicMs();
    this.#startMs = performance.now();
    this.#factor = factor;
    for (const entry of this.#pending) {
      clearTimeout(entry.handle);
      entry.handle = setTimeout(() => this.#fire(entry), Math.max(0, entry.dueMs - this.#baseMs) / factor);
    }
  }

  #fire(entry: { readonly act: () => void; readonly dueMs: number; handle: NodeJS.Timeout }): void {
    this.#pending.delete(entry);
    entry.act();
  }
}

/** A test named after a row of the matrix, `quirk 1: ...`. */
export function quirk(number: number, work: () => Promise<void>): void {
  test(`quirk ${number}: ${QUIRKS[number - 1]?.does}`, work);
}

/** What a test gets. */
export interface QuirkScene {
  readonly camera: OnvifCamera;
  readonly driver: CameraDriver;
  /** Makes the driver's clock run as fast as the options say; until then it runs like the machine's. */
  hurry(): void;
}

/** How the scene is made. */
export interface SceneOptions extends Omit<CameraOptions, 'quirks'> {
  /** How much faster the driver's clock runs than the machine's once it is told to hurry; with events, once they are listened to. */
  readonly faster?: number;
  readonly sourceToken?: string;
}

/** Runs `work` with a camera and a driver that knows its password, and closes both. */
export async function withQuirk(
  quirks: Partial<CameraQuirks>,
  work: (scene: QuirkScene) => Promise<void>,
  { faster = 1, sourceToken, ...options }: SceneOptions = {},
): Promise<void> {
  const camera = await startOnvifCamera({ user: 'admin', password: 'right', discovery: false, ...options, quirks });
  const clock = new HurryClock();
  const driver = createOnvifConnector({ clock, log: QUIET }).connect({ deviceUri: camera.deviceUri, login: login(), sourceToken });
  try {
    await work({ camera, driver, hurry: () => clock.hurry(faster) });
  } finally {
    driver.close();
    await camera.stop();
  }
}

/** What the camera has beyond streams; the driver has to have them. */
export async function capabilitiesOf(driver: CameraDriver): Promise<CameraCapabilities> {
  const capabilities = await driver.capabilities?.(patient());
  assert.ok(capabilities, 'the driver tells capabilities');
  return capabilities;
}

/** Keeps what a camera tells, and wakes whoever waits for a certain event. */
export class Listener {
  readonly events: CameraEvent[] = [];
  ended: DriverError | undefined;
  readonly #waiting = new Set<() => void>();
  #open: { close(): Promise<void> } | undefined;

  async open(driver: CameraDriver): Promise<this> {
    const { events } = await capabilitiesOf(driver);
    assert.ok(events, 'the camera has events');
    const wake = (): void => {
      for (const look of this.#waiting) look();
    };
    const handlers = {
      onEvent: (event: CameraEvent): void => {
        this.events.push(event);
        wake();
      },
      onEnd: (reason: DriverError): void => {
        this.ended = reason;
        wake();
      },
    };
    this.#open = await events.open(handlers, patient());
    return this;
  }

  /** The first event of that kind and state, heard already or to come (that it was off from the start is none); fails by name after `limitMs`. */
  heard(kind: CameraEvent['kind'], isOn: boolean, limitMs = 8_000): Promise<CameraEvent> {
    const find = (): CameraEvent | undefined =>
      this.events.find((event) => event.kind === kind && event.isOn === isOn && (isOn || !event.isInitial));
    return new Promise((resolve, reject) => {
      const finish = (act: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        act();
      };
      const look = (): void => {
        const found = find();
        if (found !== undefined) finish(() => resolve(found));
        else if (this.ended !== undefined) finish(() => reject(this.ended));
      };
      const timer = setTimeout(() => {
        const told = JSON.stringify(this.events.map((event) => `${event.kind} ${event.isOn}`));
        finish(() => reject(new RangeError(`${kind} ${isOn} was not told within ${limitMs} ms, only ${told}`)));
      }, limitMs);
      this.#waiting.add(look);
      look();
    });
  }

  close(): Promise<void> {
    return this.#open?.close() ?? Promise.resolve();
  }
}

/** Runs `work` with a listener at a camera that has a quirk. */
export function withEvents(
  quirks: Partial<CameraQuirks>,
  work: (scene: QuirkScene & { readonly listener: Listener }) => Promise<void>,
  options: SceneOptions = {},
): Promise<void> {
  return withQuirk(
    quirks,
    async (scene) => {
      const listener = await new Listener().open(scene.driver);
      scene.hurry();
      try {
        await work({ ...scene, listener });
      } finally {
        await listener.close();
      }
    },
    options,
  );
}

/** Resolves once the camera was asked for an operation that often. */
export async function asked(camera: OnvifCamera, operation: string, times: number, limitMs = 8_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while ((camera.counters().operations[operation] ?? 0) < times) {
    if (performance.now() > endMs) throw new RangeError(`${operation} was not asked ${times} times within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
