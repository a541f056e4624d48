/** Opens one file of a recording: inside its folder, a plain file, for reading only. */
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { DriverError } from '../port.js';
import type { FileBytes, SegmentMedia } from './media.js';
import { openMp4 } from './mp4-file.js';
import { openTs } from './ts-file.js';

/** `relative` below `root` as an absolute path, whose folders lead to nowhere else. Rejects with footage.refused or footage.none. */
export async function pathInside(root: string, relative: string): Promise<string> {
  const real = await realpath(join(root, relative)).catch((cause: unknown) => {
    throw new DriverError('footage.none', 'The recording is not there any more.', { cause });
  });
  // Not even a link that stays inside: what a recorder writes are plain files and folders.
  if (real !== join(root, relative) || !real.startsWith(root.endsWith(sep) ? root : root + sep))
    throw new DriverError('footage.refused', 'The recording is a link that leads elsewhere.');
  return real;
}

/** `root` must be free of links itself. */
export async function openFile(root: string, relative: string): Promise<FileBytes> {
  const path = await pathInside(root, relative);
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new DriverError('footage.none', 'The recording cannot be opened.', { cause });
  });
  const facts = await handle.stat();
  if (!facts.isFile()) {
    await handle.close();
    throw new DriverError('footage.refused', 'The recording is no plain file.');
  }
  let closing: Promise<void> | undefined;
  return {
    sizeBytes: facts.size,
    read: async (at, length) => {
      const buffer = Buffer.allocUnsafe(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await handle.read(buffer, done, length - done, at + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return buffer.subarray(0, done);
    },
    close: () => {
      closing ??= handle.close();
      return closing;
    },
  };
}

/** Any file of a recording, by what its name ends in. */
export async function openSegment(root: string, relative: string): Promise<SegmentMedia> {
  const file = await openFile(root, relative);
  return /\.ts$/i.test(relative) ? openTs(file) : openMp4(file);
}
