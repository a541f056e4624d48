import { promises as fs } from 'node:fs';
import { dirname } from 'node:path';
import { syncFolder } from '../kernel/atomic-file.js';
import { AgentError } from '../kernel/errors.js';

/** What was written. */
export interface WrittenOut {
  /** Pieces that hold a row. */
  readonly rows: number;
  readonly bytes: number;
}

/** One piece of a file: a line, and whether it is a row (or a heading). */
export interface Piece {
  readonly text: string;
  readonly isRow: boolean;
}

const CHUNK = 65_536;

/**
 * A whole file (0600) or none: a disk that fills up leaves no half an export behind that looks like one. @throws AgentError log.export_failed
 */
export async function writeOut(path: string, pieces: AsyncIterable<Piece>, onProgress: (rows: number) => void): Promise<WrittenOut> {
  const handle = await fs.open(path, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    throw failed(cause.code === 'EEXIST' ? `${path} is there already.` : `${path} cannot be written.`, cause);
  });
  let [rows, bytes, waiting] = [0, 0, ''];
  try {
    for await (const { text, isRow } of pieces) {
      waiting += text;
      bytes += Buffer.byteLength(text);
      if (isRow) rows += 1;
      if (waiting.length < CHUNK) continue;
      await handle.writeFile(waiting);
      waiting = '';
      onProgress(rows);
    }
    await handle.writeFile(waiting);
    await handle.sync();
  } catch (cause) {
    await handle.close();
    await fs.rm(path, { force: true });
    throw cause instanceof AgentError ? cause : failed(`${path} could not be written to its end.`, cause);
  }
  await handle.close();
  await syncFolder(dirname(path));
  return { rows, bytes };
}

function failed(say: string, cause: unknown): AgentError {
  return new AgentError({ code: 'log.export_failed', say, fix: 'Make room, or name another file with --out.', cause });
}
