import { type FileHandle, open, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { formatCode, type LabelContent, labelText, readLabel } from '../contract/code.js';
import type { LabelCode } from '../contract/control.js';
import { parseShape } from '../contract/shapes.js';
import { SiteFile } from '../contract/site-file.js';
import { askAgent } from '../control/control-client.js';
import { ControlServer } from '../control/control-server.js';
import { labelPng, labelSvg, terminalQr } from '../identity/label-art.js';
import { syncFolder } from '../kernel/atomic-file.js';
import { type Clock, systemClock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import { createLog, type Log } from '../kernel/log.js';
import { controlPath, readArguments, stateFolder } from './arguments.js';
import { type CliCommand, type CliIo, EXIT } from './command.js';
import { hooksFolder } from './run.js';

const HELP = `sightline label - make the label of this recorder: serial number, verification code and QR code

The code is made at random and shown this once; the recorder keeps only what checks it. It is the code that counts after each press of the
button, for good. Only while the recorder has no owner. With a label there already, --again makes another one: the old label is worthless then.

Asks the running agent. Without one (at the factory) it works on the state folder itself and locks it meanwhile, as the agent does: run it as
the agent's own user, and start the agent afterwards.

  --svg FILE             the label for printing, 50 x 25 mm
  --png FILE             the QR code alone, black on white
  --again                although there is a label
  --region NAME          region of the cloud, 2 to 4 letters, on the label (default EU; a running agent knows its own)
  --hooks-folder FOLDER  firmware hooks, which know the maker's serial number; a running agent knows its own
  --state FOLDER         state folder (default /var/lib/sightline)
  --json                 the same as JSON

Files are made anew (one that exists is not touched) and readable by their owner only: they hold the code.

Examples:
  sightline label --svg label.svg
  sightline label --state ./state --region US --png label.png --json
`;

const OPTIONS = {
  svg: { type: 'string' },
  png: { type: 'string' },
  again: { type: 'boolean' },
  region: { type: 'string' },
  'hooks-folder': { type: 'string' },
} as const;

/** What a label is made with while no agent runs. The state folder is prepared and locked. */
export interface LabelOptions {
  readonly stateFolder: string;
  readonly site: SiteFile;
  readonly hooksFolder: string;
  readonly isAgain: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** How labels are made without an agent; handed in by the process edge, because commands know nothing of the wiring. */
export interface LabelMaker {
  prepareStateFolder(folder: string): Promise<void>;
  /** @throws AgentError pairing.owned | label_exists */
  makeLabel(options: LabelOptions): Promise<LabelCode>;
}

/** `sightline label` */
export function makeLabelCommand(maker: LabelMaker): CliCommand {
  return { name: 'label', summary: 'make the label: serial number, code, QR code', help: HELP, run: (args, io) => run(maker, args, io) };
}

async function run(maker: LabelMaker, args: readonly string[], io: CliIo): Promise<number> {
  const options = readArguments('label', args, OPTIONS);
  const folder = stateFolder(options.state, io.environment);
  const isAgain = options.again === true;
  const site = readRegion(options.region);
  // Opened before the code is made: it is shown once, and a file that cannot be written must not cost a label.
  const files = await LabelFiles.open({ svg: options.svg, png: options.png });
  try {
    const made = await askAgent(controlPath(folder), 'label', { args: { again: isAgain } }).catch((error: unknown) => {
      if (!(error instanceof AgentError) || error.code !== 'control.not_running') throw error;
      return makeAlone(maker, { folder, site, hooksFolder: hooksFolder(options['hooks-folder']), isAgain }, io);
    });
    const label = contentOf(made);
    io.out(options.json === true ? asJson(made, label, files) : asText(label, files, isAgain, io.isTerminal));
    await files.write(label);
    return EXIT.ok;
  } catch (error) {
    await files.discard();
    throw error;
  }
}

interface AloneOptions {
  readonly folder: string;
  readonly site: SiteFile;
  readonly hooksFolder: string;
  readonly isAgain: boolean;
}

/** With the agent's lock in hand: an agent that starts meanwhile is told so, instead of both writing. */
async function makeAlone(maker: LabelMaker, { folder, ...rest }: AloneOptions, io: CliIo): Promise<LabelCode> {
  await maker.prepareStateFolder(folder);
  const log = createLog({
    level: 'warn',
    clock: systemClock,
    write: (line) => io.err(`${line}\n`),
    format: io.isTerminal ? 'text' : 'json',
  });
  const lock = new ControlServer(controlPath(folder), busyMaking, log.area('control'));
  await lock.start();
  try {
    return await maker.makeLabel({ stateFolder: folder, ...rest, clock: systemClock, log });
  } finally {
    await lock.stop();
  }
}

function busyMaking(): never {
  throw new AgentError({ code: 'control.starting', say: 'A label is being made.', fix: 'Ask again in a moment.', retryable: true });
}

function readRegion(region: string | undefined): SiteFile {
  try {
    return parseShape(SiteFile, region === undefined ? { v: 1 } : { v: 1, region });
  } catch (cause) {
    throw new AgentError({ code: 'cli.usage', say: `"${region}" is no region.`, fix: 'Use 2 to 4 capital letters, like EU or US.', cause });
  }
}

function contentOf({ label }: LabelCode): LabelContent {
  const content = readLabel(label);
  if (content !== undefined) return content;
  throw new AgentError({
    code: 'control.other_version',
    say: 'The agent gave a label that this command does not understand.',
    fix: 'Use the command line of the same version as the running agent; make the label again with --again.',
  });
}

function asJson(made: LabelCode, label: LabelContent, files: LabelFiles): string {
  const { serial, code, region } = label;
  const said = { serial, model: made.model, code: formatCode(code), label: made.label, region, svg: files.svg, png: files.png };
  return `${JSON.stringify(said)}\n`;
}

function asText(label: LabelContent, files: LabelFiles, isAgain: boolean, isTerminal: boolean): string {
  const { serial, code } = label;
  const written = [files.svg, files.png].filter((path) => path !== null);
  return [
    `Serial number      ${serial}`,
    `Verification code  ${formatCode(code)}`,
    '',
    terminalQr(labelText(label), isTerminal),
    '',
    'This code is shown this once: print it, and stick it where only who stands at the recorder can read it.',
    ...(isAgain ? ['A label made before is worthless from now on: take it off.'] : []),
    ...(written.length > 0 ? [`Written to ${written.join(' and ')}: delete after printing.`] : []),
    '',
  ].join('\n');
}

/** The files that were asked for: made empty first, filled at the end, taken away again when there is no label. */
class LabelFiles {
  readonly svg: string | null;
  readonly png: string | null;
  readonly #open = new Map<string, FileHandle>();

  private constructor(svg: string | null, png: string | null) {
    this.svg = svg;
    this.png = png;
  }

  /** @throws AgentError label.unwritable */
  static async open(paths: { readonly svg: string | undefined; readonly png: string | undefined }): Promise<LabelFiles> {
    const absolute = (path: string | undefined): string | null => (path === undefined ? null : resolve(path));
    const files = new LabelFiles(absolute(paths.svg), absolute(paths.png));
    try {
      for (const path of [files.svg, files.png]) if (path !== null) files.#open.set(path, await open(path, 'wx', 0o600));
    } catch (cause) {
      await files.discard();
      throw unwritable(cause);
    }
    return files;
  }

  async write(label: LabelContent): Promise<void> {
    for (const [path, handle] of this.#open) {
      await handle.writeFile(path === this.svg ? labelSvg(label) : labelPng(label));
      await handle.sync();
      await handle.close();
      this.#open.delete(path);
      await syncFolder(resolve(path, '..'));
    }
  }

  async discard(): Promise<void> {
    for (const [path, handle] of this.#open) {
      await handle.close();
      await rm(path, { force: true });
    }
    this.#open.clear();
  }
}

function unwritable(cause: unknown): AgentError {
  const { code, path } = cause as NodeJS.ErrnoException;
  const isThere = code === 'EEXIST';
  return new AgentError({
    code: 'label.unwritable',
    say: isThere ? `There is already a file ${path}.` : `The file ${path ?? ''} cannot be written. No label was made.`,
    fix: isThere ? 'Name another file, or remove this one.' : 'Check the folder and who may write there.',
    cause,
  });
}
