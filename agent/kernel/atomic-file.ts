import { randomUUID } from 'node:crypto';
import { constants, promises as fs } from 'node:fs';
import { dirname } from 'node:path';

/**
 * The one durable write: a new file beside the old, fsync, rename over it, fsync of the folder. After it resolves the content
 * survives a power cut; before, the old content does. Mode defaults to 0600.
 */
export async function writeFileDurably(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const beside = `${path}.${randomUUID().slice(0, 8)}.new`;
  const handle = await fs.open(beside, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } catch (error) {
    await handle.close();
    await fs.rm(beside, { force: true });
    throw error;
  }
  await handle.close();
  await fs.rename(beside, path);
  await syncFolder(dirname(path));
}

/** Makes renames and removals inside `folder` durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The file's bytes, or undefined when there is none. */
export async function readFileIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await fs.readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
