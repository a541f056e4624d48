/** The wire itself: one open serial port, over serialport, which is loaded when the first port is opened. */
import { promises as fs } from 'node:fs';
import { DriverError, type SerialPortSettings } from '../port.js';

/** An open port. */
export interface SerialLine {
  /** Resolves when the kernel has the bytes. */
  write(bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** Opens a port or rejects with `serial.unavailable`. `onLost` is called once when an open port goes away by itself. */
export type OpenSerialLine = (settings: SerialPortSettings, onLost: (reason: string) => void) => Promise<SerialLine>;

/**
 * Opens a real port with a lock (a second program cannot have it), 8 data bits, 1 stop bit. The library's binding is used without its
 * stream: the stream reads all the time, and a read that meets a hang-up gets no bytes and is repeated for ever at full load (measured:
 * unplugged right after opening, or while bytes came in). PTZ gear tells nothing, so nothing is read; the hang-up itself is waited for.
 */
export const openSerialLine: OpenSerialLine = async (settings, onLost) => {
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
    onLost(reason);
  };
  if ('poller' in port) port.poller.once('disconnect', (error: Error | null) => lose(error?.message ?? 'hang-up'));
  // Modem lines are never touched: many adapters and every pty refuse that (ENOTTY), and PTZ gear does not need it.
  return {
    write: async (bytes) => {
      try {
        await port.write(bytes);
      } catch (error) {
        lose(error instanceof Error ? error.message : String(error));
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

/** A path that is no character device must not be opened at all: opening a pipe would hang a thread for good. */
async function checkDevice(path: string): Promise<void> {
  const entry = await fs.stat(path).catch((error: unknown) => {
    throw unavailable(path, error);
  });
  if (!entry.isCharacterDevice()) throw new DriverError('serial.unavailable', `${path} is not a serial port.`);
}

function unavailable(path: string, cause: unknown): DriverError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new DriverError('serial.unavailable', `${path} ${reasonIn(text)}.`, { cause });
}

function reasonIn(text: string): string {
  if (/no such file|ENOENT|ENXIO|ENODEV/i.test(text)) return 'is not there';
  if (/permission|EACCES|EPERM/i.test(text)) return 'may not be used by this user';
  if (/cannot lock|EBUSY|busy/i.test(text)) return 'is in use by another program';
  return 'cannot be used';
}
