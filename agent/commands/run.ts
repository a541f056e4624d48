import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseGuarded } from '../contract/guard.js';
import { parseShape } from '../contract/shapes.js';
import { SiteFile } from '../contract/site-file.js';
import { type ControlActs, ControlServer } from '../control/control-server.js';
import { type Clock, systemClock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import { createLog, type Log, type LogLevel } from '../kernel/log.js';
import { SupervisorNotice } from '../kernel/notify.js';
import { controlPath, readArguments, stateFolder } from './arguments.js';
import { type CliCommand, type CliIo, EXIT } from './command.js';

const OPTIONS = {
  'site-file': { type: 'string' },
  'hooks-folder': { type: 'string' },
  'log-level': { type: 'string' },
  'ready-line': { type: 'boolean' },
  'new-code': { type: 'boolean' },
  warm: { type: 'boolean' },
  'with-parent': { type: 'boolean' },
} as const;

const HELP = `sightline run - the agent itself, in the foreground

  --state FOLDER        keys, databases, control socket (default /var/lib/sightline)
  --site-file FILE      where the cloud is, cameras, logins, serial ports (JSON)
  --hooks-folder FOLDER firmware hooks (default: those installed with the agent)
  --new-code            while the recorder has no owner: make a new verification code and show it once
  --ready-line          print one line of JSON on stdout when ready (for scripts)
  --warm                load the video part at once instead of with the first viewer (8 MB, first picture 0.1 s sooner)
  --with-parent         stop when standard input ends: for scripts that start the agent
  --log-level LEVEL     debug, info, warn or error (default info); the log goes to stderr

Examples:
  sightline run --state /var/lib/sightline --site-file /etc/sightline/site.json
  sightline run --state ./state --new-code --log-level debug
`;

/** How long a watchdog may wait for a sign of progress is set in the unit (60 s); a third of it is a good period. */
const PROGRESS_MS = 15_000;

/** The running agent as this command sees it. */
export interface RunnableAgent {
  readonly serial: string;
  readonly isPaired: () => boolean;
  readonly lanPort: () => number | undefined;
  readonly acts: ControlActs;
  readonly runtime: { start(): Promise<void>; stop(): Promise<readonly string[]> };
  warm(): Promise<void>;
  /** A new verification code; the tries that are used up stay used up. */
  newCode(): Promise<{ readonly code: string; readonly label: string }>;
}

/** How agents are made; handed in by the process edge, because commands know nothing of the wiring. */
export interface AgentMaker {
  prepareStateFolder(folder: string): Promise<void>;
  compose(options: { stateFolder: string; site: SiteFile; hooksFolder: string; clock: Clock; log: Log }): Promise<RunnableAgent>;
}

/** `sightline run` */
export function makeRunCommand(maker: AgentMaker): CliCommand {
  return { name: 'run', summary: 'start the agent in the foreground', help: HELP, run: (args, io) => run(maker, args, io) };
}

async function run(maker: AgentMaker, args: readonly string[], io: CliIo): Promise<number> {
  const options = readArguments('run', args, OPTIONS);
  const folder = stateFolder(options.state, io.environment);
  const log = createLog({
    level: readLevel(options['log-level']),
    clock: systemClock,
    write: (line) => io.err(`${line}\n`),
    format: io.isTerminal ? 'text' : 'json',
  });
  const notice = new SupervisorNotice(io.environment);
  const site = await readSiteFile(options['site-file']);
  await maker.prepareStateFolder(folder);
  let acts: ControlActs | undefined;
  const control = new ControlServer(controlPath(folder), () => acts ?? notYet(), log.area('control'));
  await control.start();
  const stopped = nextSignal(options['with-parent'] === true);
  try {
    const agent = await maker.compose({
      stateFolder: folder,
      site,
      hooksFolder: hooksFolder(options['hooks-folder']),
      clock: systemClock,
      log,
    });
    acts = agent.acts;
    await agent.runtime.start();
    const label = options['new-code'] === true && !agent.isPaired() ? await agent.newCode() : undefined;
    if (options['ready-line'] === true)
      io.out(
        `${JSON.stringify({ ready: true, serial: agent.serial, isPaired: agent.isPaired(), label: label ?? null, lanPort: agent.lanPort() ?? null })}\n`,
      );
    else if (label !== undefined) io.out(`Serial number ${agent.serial}, verification code ${label.code} (shown once)\n`);
    log.info('ready', { serial: agent.serial, isPaired: agent.isPaired() });
    notice.ready(agent.isPaired() ? 'running' : 'waiting for pairing');
    const progress = systemClock.every(
      PROGRESS_MS,
      () =>
        void agent.acts.status({}, 'local').then(
          () => notice.alive(),
          (error: unknown) => log.error('no progress', { error }),
        ),
    );
    if (options.warm === true) await agent.warm().catch((error: unknown) => log.warn('the video part could not be loaded', { error }));
    const signal = await stopped;
    log.info('stopping', { signal });
    notice.stopping();
    progress.cancel();
    return (await agent.runtime.stop()).length === 0 ? EXIT.ok : EXIT.failed;
  } finally {
    if (options['with-parent'] === true) process.stdin.destroy();
    await control.stop();
  }
}

function nextSignal(isWithParent: boolean): Promise<string> {
  return new Promise((resolve) => {
    if (isWithParent)
      process.stdin
        .once('end', () => resolve('end of input'))
        .once('error', () => resolve('end of input'))
        .resume();
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => resolve(name));
  });
}

function notYet(): never {
  throw new AgentError({ code: 'control.starting', say: 'The agent is still starting.', fix: 'Ask again in a moment.', retryable: true });
}

/** Where the firmware hooks are: as told, else those installed with the agent. */
export function hooksFolder(option: string | undefined): string {
  if (option !== undefined) return resolve(option);
  // Beside the packaged bundle, or at the root of a checkout.
  const here = dirname(fileURLToPath(import.meta.url));
  return here.includes('.build') ? join(here, '..', '..', '..', 'firmware-hooks') : join(here, 'firmware-hooks');
}

function readLevel(text: string | undefined): LogLevel {
  if (text === undefined) return 'info';
  if (text === 'debug' || text === 'info' || text === 'warn' || text === 'error') return text;
  throw new AgentError({ code: 'cli.usage', say: `"${text}" is no log level.`, fix: 'Use debug, info, warn or error.' });
}

/** @throws AgentError site.unreadable | site.invalid */
async function readSiteFile(path: string | undefined): Promise<SiteFile> {
  if (path === undefined) return { v: 1 };
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new AgentError({
      code: 'site.unreadable',
      say: `The site file ${path} cannot be read.`,
      fix: 'Check the path and who may read it.',
      cause,
    });
  }
  try {
    return parseShape(SiteFile, parseGuarded(bytes), 'site.invalid');
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    throw new AgentError({
      code: 'site.invalid',
      say: `The site file ${path} is not as expected. ${error.say}`,
      fix: error.fix,
      cause: error,
    });
  }
}
