/** The wire itself: one open serial port, over serialport, which is loaded when the first port is opened. */
import { promises as fs, readSync } from 'node:fs';
import { type DriverClock, DriverError, type SerialPortSettings } from '../port.js';
import { Direction } from './direction.js';

/** An open port. */
export interface SerialLine {
  /** Resolves when the kernel has the bytes; where we turn the line ourselves, when they are on the wire and it listens again. */
  write(bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** What an open port tells. */
export interface SerialLineEvents {
  /** Called once when an open port goes away by itself. */
  readonly onLost: (reason: string) => void;
  /** Whoever keeps the bytes may: they are a copy. */
  readonly onData: (bytes: Buffer) => void;
  /** The port has no RTS line although it is to be turned by it. */
  readonly onNoDirection: () => void;
}

/** Opens a port or rejects with `serial.unavailable`. */
export type OpenSerialLine = (settings: SerialPortSettings, events: SerialLineEvents, clock: DriverClock) => Promise<SerialLine>;

const READ_BYTES = 4096;
/** As the binding counts them: readable, and hang-up. */
const READABLE_OR_GONE = 0b101;

/**
 * Opens a real port with a lock (a second program cannot have it), 8 data bits, 1 stop bit. The library's binding is used without its
 * stream: the stream repeats a read that meets a hang-up for ever at full load (measured: unplugged right after opening, or while bytes came
 * in). Here a read happens only when the port says that there is something, and one that brings nothing means that the port is gone.
 */
export const openSerialLine: OpenSerialLine = async (settings, events, clock) => {
  const { path, baudRate, parity } = settings;
  await checkDevice(path);
  const { SerialPort } = await import('serialport');
  const port = await SerialPort.binding.open({ path, baudRate, parity, dataBits: 8, stopBits: 1, lock: true }).catch((error: unknown) => {
    throw unavailable(path, error);
  });
  let isOver = false;
  const lose = (reason: string): void => {
    if (isOver) return;
    isOver = true;
    events.onLost(reason);
  };
  if ('poller' in port) listen(port, { isOver: () => isOver, lose, onData: events.onData });
  const direction = new Direction(settings, port, clock, events.onNoDirection);
  await direction.listen();
  return {
    write: async (bytes) => {
      try {
        await direction.write(bytes, () => isOver);
      } catch (error) {
        lose(wordsOf(error));
        throw unavailable(path, error);
      }
    },
    close: async () => {
      isOver = true;
      // An unplugged port may complain while it is closed; there is nothing left to do about it.
      if (port.isOpen) await port.close().catch(() => undefined);
    },
  };
};

interface Polled {
  readonly fd: number | null;
  readonly poller: { on(event: 'readable' | 'disconnect', act: (error: Error | null) => void): unknown; poll(events: number): void };
}

/** Reads what is there whenever the port says so. Reads never wait: the port was opened that way. */
function listen(
  port: Polled,
  side: { readonly isOver: () => boolean; readonly lose: (reason: string) => void; readonly onData: (bytes: Buffer) => void },
): void {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  const readNow = (): number | undefined => {
    try {
      return readSync(port.fd ?? -1, buffer, 0, READ_BYTES, null);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EAGAIN' || code === 'EINTR') return undefined;
      side.lose(wordsOf(error));
      return undefined;
    }
  };
  port.poller.on('readable', (error) => {
    if (side.isOver()) return;
    if (error !== null) return side.lose(error.message);
    const count = readNow();
    if (count === 0) return side.lose('hang-up');
    if (count !== undefined) side.onData(Buffer.from(buffer.subarray(0, count)));
    if (!side.isOver()) port.poller.poll(READABLE_OR_GONE);
  });
  port.poller.on('disconnect', (error) => side.lose(error?.message ?? 'hang-up'));
  port.poller.poll(READABLE_OR_GONE);
}

/** A path that is no character device must not be opened at all: opening a pipe would hang a thread for good. */
async function checkDevice(path: string): Promise<void> {
  const entry = await fs.stat(path).catch((error: unknown) => {
    throw unavailable(path, error);
  });
  if (!entry.isCharacterDevice()) throw new DriverError('serial.unavailable', `${path} is not a serial port.`);
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function unavailable(path: string, cause: unknown): DriverError {
  return new DriverError('serial.unavailable', `${path} ${reasonIn(wordsOf(cause))}.`, { cause });
}

function reasonIn(text: string): string {
  if (/no such file|ENOENT|ENXIO|ENODEV/i.test(text)) return 'is not there';
  if (/permission|EACCES|EPERM/i.test(text)) return 'may not be used by this user';
  if (/cannot lock|EBUSY|busy/i.test(text)) return 'is in use by another program';
  return 'cannot be used';
}
