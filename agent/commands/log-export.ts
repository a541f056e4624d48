import { promises as fs } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { syncFolder } from '../kernel/atomic-file.js';
import { systemClock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import { exportLines } from '../operation-log/export.js';
import { sha256 } from '../operation-log/people.js';
import { readArguments, stateFolder } from './arguments.js';
import { type CliCommand, type CliIo, EXIT } from './command.js';
import { withLog } from './log-reader.js';

const HELP = `sightline log export - the log as a file that can be verified anywhere

JSON Lines: rows, signed checkpoints and the recorder's public key. "node verify-log.mjs FILE" verifies it without this program. Without the
options below it names no person and no camera.

  --out FILE       write there (0600; an existing file is not overwritten); default: standard output
  --details        with what was changed: before and after, names of cameras and organisations
  --people         with names and e-mail addresses
  --state FOLDER   state folder (default /var/lib/sightline)
  --json           the summary as JSON (with --out)

Examples:
  sightline log export --out log.jsonl
  sightline log export --people --details --out for-the-lawyer.jsonl
`;

/** `sightline log export` */
export const logExportCommand: CliCommand = { name: 'log export', summary: 'the log as a file that verifies anywhere', help: HELP, run };

async function run(args: readonly string[], io: CliIo): Promise<number> {
  const options = readArguments('log export', args, { out: { type: 'string' }, details: { type: 'boolean' }, people: { type: 'boolean' } });
  const choice = { hasDetails: options.details === true, hasPeople: options.people === true };
  return withLog(stateFolder(options.state, io.environment), async ({ store, device, key }) => {
    const lines = exportLines({ store, hash: sha256, device, key, at: systemClock.now() }, choice);
    if (options.out === undefined) {
      for await (const line of lines) io.out(line);
      return EXIT.ok;
    }
    const path = resolve(options.out);
    const { rows, bytes } = await writeAll(path, lines, (so) => io.isTerminal && io.err(`\r${so} rows`));
    if (io.isTerminal) io.err('\r');
    io.out(
      options.json === true
        ? `${JSON.stringify({ path, rows, bytes })}\n`
        : `${rows} rows written to ${path}. Verify: node verify-log.mjs ${options.out}\n`,
    );
    return EXIT.ok;
  });
}

/** A whole file or none: a disk that fills up leaves no half an export behind that looks like one. */
async function writeAll(
  path: string,
  lines: AsyncGenerator<string>,
  onProgress: (rows: number) => void,
): Promise<{ rows: number; bytes: number }> {
  const handle = await fs.open(path, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    throw new AgentError({
      code: 'log.export_failed',
      say: cause.code === 'EEXIST' ? `${path} is there already.` : `${path} cannot be written.`,
      fix: 'Name another file with --out.',
      cause,
    });
  });
  let [rows, bytes, waiting] = [0, 0, ''];
  try {
    for await (const line of lines) {
      waiting += line;
      bytes += Buffer.byteLength(line);
      if (line.startsWith('{"kind":"row"')) rows += 1;
      if (waiting.length < 65_536) continue;
      await handle.write(waiting);
      waiting = '';
      onProgress(rows);
    }
    await handle.write(waiting);
    await handle.sync();
  } catch (cause) {
    await handle.close();
    await fs.rm(path, { force: true });
    throw cause;
  }
  await handle.close();
  await syncFolder(dirname(path));
  return { rows, bytes };
}
