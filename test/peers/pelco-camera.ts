/**
 * A Pelco-D PTZ camera on a serial device, here one end of a pty pair: decodes frames by itself (address, checksum, resynchronization), keeps
 * a motion state, and answers position queries. As a process it prints one JSON line per command:
 *
 *   node scripts/run.mjs test/peers/pelco-camera.ts --device PATH --address 1
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync, mkdtempSync, openSync, rmSync, write } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReadStream } from 'node:tty';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createPelcoReader, type PelcoCommand } from './pelco-frames.js';

/** What the camera does since the last command; speeds 0..63, presets by number. */
export interface PelcoMotion {
  readonly pan: -1 | 0 | 1;
  readonly tilt: -1 | 0 | 1;
  readonly zoom: -1 | 0 | 1;
  readonly panSpeed: number;
  readonly tiltSpeed: number;
  readonly presets: readonly number[];
  readonly lastPreset: number | undefined;
}

export interface PelcoCamera {
  /** Emits 'command' with a PelcoCommand for this camera's address, and 'noise' with bytes that were no frame. */
  readonly events: EventEmitter;
  motion(): PelcoMotion;
  /** Valid frames for this address. */
  readonly commands: readonly PelcoCommand[];
  /** The next command that `wanted` accepts, past ones not counted. */
  next(wanted?: (command: PelcoCommand) => boolean): Promise<PelcoCommand>;
  stop(): Promise<void>;
}

export interface PtyPair {
  /** The two ends; what is written to one is read from the other. */
  readonly near: string;
  readonly far: string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/** Joins two ptys with socat and resolves when both exist; rejects when socat is missing or does not start. */
export async function startPtyPair(): Promise<PtyPair> {
  const folder = mkdtempSync(join(tmpdir(), 'sightline-pty-'));
  const [near, far] = [join(folder, 'near'), join(folder, 'far')];
  const child = spawn('socat', ['-d', '-d', `pty,raw,echo=0,link=${near}`, `pty,raw,echo=0,link=${far}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const failed = new Promise<never>((_resolve, reject) => {
    const fail = (why: string): void => {
      remove();
      reject(new Error(`socat did not make a pty pair: ${why}`));
    };
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => fail(`it ended with ${code}`));
  });
  failed.catch(() => {});
  // socat says so once both ends are linked and it begins to transfer.
  const ready = (async (): Promise<void> => {
    let said = '';
    for await (const piece of child.stderr) {
      said += String(piece);
      if (said.includes('starting data transfer loop') && existsSync(near) && existsSync(far)) break;
    }
  })();
  await Promise.race([ready, failed]);
  child.stderr.resume();
  return {
    near,
    far,
    process: child,
    async stop() {
      const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
      child.kill('SIGTERM');
      await exited;
      remove();
    },
  };
}

/** Keeps the state that a camera would have. */
class Motion {
  #state: PelcoMotion = { pan: 0, tilt: 0, zoom: 0, panSpeed: 0, tiltSpeed: 0, presets: [], lastPreset: undefined };

  get state(): PelcoMotion {
    return this.#state;
  }

  apply(command: PelcoCommand): void {
    const { presets } = this.#state;
    if (command.kind === 'motion') {
      const { pan, tilt, zoom, panSpeed, tiltSpeed } = command;
      this.#state = { ...this.#state, pan, tilt, zoom, panSpeed, tiltSpeed };
    } else if (command.kind === 'set-preset') {
      this.#state = { ...this.#state, presets: [...presets.filter((one) => one !== command.preset), command.preset] };
    } else if (command.kind === 'clear-preset') {
      this.#state = { ...this.#state, presets: presets.filter((one) => one !== command.preset) };
    } else if (command.kind === 'goto-preset' && presets.includes(command.preset)) {
      this.#state = { ...this.#state, lastPreset: command.preset };
    }
  }
}

/** Opens the device and listens; `address` is 1-based as on the wire. A device that cannot be opened rejects. */
export async function startPelcoCamera(options: { device: string; address?: number }): Promise<PelcoCamera> {
  const address = options.address ?? 1;
  const events = new EventEmitter();
  const commands: PelcoCommand[] = [];
  const motion = new Motion();
  const fd = openSync(options.device, 'r+');
  // Polled like a socket: a plain file stream would block a thread in read() and could not be stopped.
  const input = new ReadStream(fd);
  const read = createPelcoReader();
  let isStopping = false;

  input.on('data', (piece: Buffer) => {
    for (const found of read(piece)) {
      if (found.kind === 'noise') events.emit('noise', found.bytes);
      else if (found.address === address) {
        commands.push(found);
        motion.apply(found);
        if (found.kind === 'query') write(fd, found.reply, () => {});
        events.emit('command', found);
      }
    }
  });
  // The other end may go away at any time; a camera does not mind.
  input.on('error', () => {});

  return {
    events,
    commands,
    motion: () => motion.state,
    next: (wanted = () => true) =>
      new Promise((resolve) => {
        const look = (command: PelcoCommand): void => {
          if (!wanted(command)) return;
          events.off('command', look);
          resolve(command);
        };
        events.on('command', look);
      }),
    async stop() {
      if (isStopping) return;
      isStopping = true;
      const closed = once(input, 'close');
      input.destroy();
      await closed;
    },
  };
}

async function runAsProcess(): Promise<void> {
  const { values } = parseArgs({ options: { device: { type: 'string' }, address: { type: 'string', default: '1' } } });
  if (values.device === undefined) {
    process.stderr.write('pelco-camera: name the serial device with --device\n');
    process.exitCode = 2;
    return;
  }
  const camera = await startPelcoCamera({ device: values.device, address: Number(values.address) });
  camera.events.on('command', (command: PelcoCommand) => process.stdout.write(`${JSON.stringify(command)}\n`));
  process.stdout.write(`${JSON.stringify({ ready: true, device: values.device })}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runAsProcess();
