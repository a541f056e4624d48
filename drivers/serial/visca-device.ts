import { type CallOptions, type DriverClock, DriverError } from '../port.js';
import { type ViscaMessage, type ViscaRefusal, viscaCancel } from './visca.js';

/** A camera takes a command within a few frames of its picture. */
const ACK_MS = 500;
/** Home and presets across the whole range take seconds. */
const DONE_MS = 15_000;
const SOCKETS = 2;
/** Another controller may hold the sockets: worth asking again, a little later. */
const FULL_TRIES = 3;
const FULL_RETRY_MS = 100;

/** How bytes get to the camera. */
export interface ViscaWire {
  /** Resolves when they are on the way. `undo` ends what they begin. A `cancel` and a `stop` go before everything else. */
  write(bytes: Buffer, frame: { readonly kind: ViscaOrder['kind'] | 'cancel'; readonly undo: Buffer | undefined }): Promise<void>;
}

/** One message to the camera. */
export interface ViscaOrder {
  readonly bytes: Buffer;
  /** `stop` goes first, whatever runs; a `move` that was not sent yet is replaced by a newer one of the same `part`. */
  readonly kind: 'stop' | 'move' | 'other' | 'inquiry';
  /** What it turns: pan and tilt, or the lens. */
  readonly part?: 'drive' | 'zoom' | undefined;
  readonly undo?: Buffer | undefined;
}

interface Job extends ViscaOrder {
  tries: number;
  timer: { cancel(): void } | undefined;
  readonly settle: (failure: DriverError | undefined, data?: Uint8Array) => void;
}

/**
 * One camera's side of the conversation. A camera acknowledges without saying what: so one message at a time is on its way, be it a command or
 * an inquiry. Commands that were taken run in one of two sockets until they are done; a third one waits. Movements count as done when they are taken.
 */
export class ViscaDevice {
  readonly #clock: DriverClock;
  readonly #address: number;
  readonly #wire: ViscaWire;
  #waiting: Job[] = [];
  readonly #running = new Map<number, Job>();
  #head: Job | undefined;
  #retry: { cancel(): void } | undefined;

  constructor(clock: DriverClock, address: number, wire: ViscaWire) {
    this.#clock = clock;
    this.#address = address;
    this.#wire = wire;
  }

  /** Resolves when the camera took it (movements, stops) or was done with it. `serial.timeout`, `camera.refused`, `driver.aborted`, `serial.unavailable`. */
  async command(order: ViscaOrder, options: CallOptions): Promise<void> {
    await this.#ask(order, options);
  }

  /** Resolves with the answer's data, without header and end. */
  async inquire(bytes: Buffer, options: CallOptions): Promise<Uint8Array> {
    return (await this.#ask({ bytes, kind: 'inquiry' }, options)) ?? new Uint8Array(0);
  }

  /** Everything that waits or runs ends with this. */
  reset(failure: DriverError): void {
    this.#retry?.cancel();
    this.#retry = undefined;
    const jobs = [this.#head, ...this.#running.values(), ...this.#waiting];
    this.#head = undefined;
    this.#running.clear();
    this.#waiting = [];
    for (const job of jobs) if (job !== undefined) end(job, failure);
  }

  /** What the camera said. Anything that fits nothing is let go. */
  received(message: ViscaMessage): void {
    if (message.kind === 'ack') this.#taken(message.socket);
    else if (message.kind === 'done') this.#done(message.socket);
    else if (message.kind === 'answer') this.#answered(message.data);
    else if (message.kind === 'refused') this.#refused(message.socket, message.reason);
    this.#pump();
  }

  #ask(order: ViscaOrder, options: CallOptions): Promise<Uint8Array | undefined> {
    if (options.signal.aborted) return Promise.reject(aborted());
    return new Promise((resolve, reject) => {
      const onAbort = (): void => this.#abort(job);
      let isSettled = false;
      const job: Job = {
        ...order,
        tries: 0,
        timer: undefined,
        settle: (failure, data) => {
          if (isSettled) return;
          isSettled = true;
          options.signal.removeEventListener('abort', onAbort);
          if (failure === undefined) resolve(data);
          else reject(failure);
        },
      };
      options.signal.addEventListener('abort', onAbort, { once: true });
      this.#add(job);
      this.#pump();
    });
  }

  #add(job: Job): void {
    const isOlder = (one: Job): boolean => one.kind === 'move' && one.part === job.part;
    if (job.kind === 'move' || job.kind === 'stop') {
      const replaced = this.#waiting.filter(isOlder);
      this.#waiting = this.#waiting.filter((one) => !isOlder(one));
      for (const one of replaced) one.settle(undefined);
    }
    if (job.kind !== 'stop') return void this.#waiting.push(job);
    const behind = this.#waiting.findIndex(({ kind }) => kind !== 'stop');
    this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, job);
  }

  #abort(job: Job): void {
    this.#waiting = this.#waiting.filter((one) => one !== job);
    for (const [socket, one] of this.#running) if (one === job) this.#cancel(socket);
    job.settle(aborted());
  }

  #cancel(socket: number): void {
    const bytes = viscaCancel(this.#address, socket);
    this.#wire.write(bytes, { kind: 'cancel', undo: undefined }).catch(() => undefined);
  }

  #next(): Job | undefined {
    const mayRun = this.#running.size < SOCKETS && this.#retry === undefined;
    const at = this.#waiting.findIndex(({ kind }) => kind === 'stop' || kind === 'inquiry' || mayRun);
    return at < 0 ? undefined : this.#waiting.splice(at, 1)[0];
  }

  #pump(): void {
    if (this.#head !== undefined) return;
    const job = this.#next();
    if (job === undefined) return;
    this.#head = job;
    this.#wire.write(job.bytes, { kind: job.kind, undo: job.undo }).then(
      () => {
        if (this.#head === job) job.timer = this.#clock.after(ACK_MS, () => this.#silent(job), true);
      },
      (failure: DriverError) => {
        if (this.#head === job) this.#head = undefined;
        end(job, failure);
        this.#pump();
      },
    );
  }

  #silent(job: Job): void {
    if (this.#head === job) this.#head = undefined;
    end(job, new DriverError('serial.timeout', `The camera with address ${this.#address} does not answer.`));
    this.#pump();
  }

  #taken(socket: number): void {
    const job = this.#head;
    if (job === undefined || job.kind === 'inquiry') return;
    this.#head = undefined;
    job.timer?.cancel();
    this.#forget(socket);
    this.#running.set(socket, job);
    job.timer = this.#clock.after(DONE_MS, () => this.#neverDone(socket, job), true);
    if (job.kind !== 'other') job.settle(undefined);
  }

  /** The socket is used again, so what ran there is over; its end got lost on the way. */
  #forget(socket: number): void {
    const older = this.#running.get(socket);
    this.#running.delete(socket);
    if (older !== undefined) end(older, undefined);
  }

  #neverDone(socket: number, job: Job): void {
    if (this.#running.get(socket) === job) this.#running.delete(socket);
    end(job, new DriverError('serial.timeout', `The camera with address ${this.#address} took the command and did not finish it.`));
    this.#pump();
  }

  #done(socket: number): void {
    const job = this.#head;
    if (this.#running.has(socket)) {
      this.#forget(socket);
    } else if (job !== undefined && job.kind !== 'inquiry') {
      // Some cameras are done at once and do not say that they took it.
      this.#head = undefined;
      end(job, undefined);
    }
  }

  #answered(data: Uint8Array): void {
    const job = this.#head;
    if (job?.kind !== 'inquiry') return;
    this.#head = undefined;
    job.timer?.cancel();
    job.settle(undefined, data);
  }

  #refused(socket: number, reason: ViscaRefusal): void {
    const running = this.#running.get(socket);
    if (socket !== 0 && running !== undefined && reason !== 'full') {
      this.#running.delete(socket);
      end(running, refusal(reason, this.#address));
      return;
    }
    const job = this.#head;
    if (job === undefined || reason === 'no-socket') return;
    this.#head = undefined;
    job.timer?.cancel();
    if (reason === 'full' && job.tries < FULL_TRIES) this.#again(job);
    else end(job, refusal(reason, this.#address));
  }

  /** Both sockets are taken. A stop does not wait for them: what runs is given up. */
  #again(job: Job): void {
    job.tries += 1;
    this.#waiting.unshift(job);
    if (job.kind === 'stop') for (const socket of [1, 2]) this.#cancel(socket);
    this.#retry?.cancel();
    this.#retry = this.#clock.after(
      FULL_RETRY_MS,
      () => {
        this.#retry = undefined;
        this.#pump();
      },
      true,
    );
  }
}

function end(job: Job, failure: DriverError | undefined): void {
  job.timer?.cancel();
  job.settle(failure);
}

function aborted(): DriverError {
  return new DriverError('driver.aborted', 'The command was cancelled.');
}

const WHY: Readonly<Record<ViscaRefusal, string>> = {
  length: 'says that the message has a wrong length',
  syntax: 'does not know this command',
  full: 'is busy with other commands',
  cancelled: 'gave the command up',
  'no-socket': 'does not run that command',
  'not-executable': 'cannot do that now',
  unknown: 'refused for a reason that it does not name',
};

function refusal(reason: ViscaRefusal, address: number): DriverError {
  const code = reason === 'cancelled' ? 'driver.aborted' : reason === 'syntax' ? 'camera.unsupported' : 'camera.refused';
  return new DriverError(code, `The camera with address ${address} ${WHY[reason]}.`, { detail: { refusal: reason } });
}
