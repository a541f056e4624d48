import { readdirSync } from 'node:fs';
import {
  DriverError,
  type SerialCandidate,
  type SerialFinding,
  type SerialPtzProtocol,
  type SerialScanOptions,
  type SerialTools,
} from '../../drivers/port.js';
import type { LocalTraffic } from '../contract/control.js';
import { delay, systemClock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import { createLog, type Log } from '../kernel/log.js';
import { readWithWords } from './arguments.js';
import { ask } from './ask.js';
import { type CliCommand, type CliIo, columns, EXIT } from './command.js';

/** How ports are opened; handed in by the process edge, because commands know nothing of the wiring. */
export interface SerialToolsMaker {
  serialTools(log: Log): Promise<SerialTools>;
}

const PROTOCOLS: readonly SerialPtzProtocol[] = ['pelco-d', 'pelco-p', 'pelco-p-direct', 'visca', 'samsung-t', 'hikvision'];
const POLL_MS = 250;

const MONITOR_HELP = `sightline serial monitor PORT - what goes over a serial line, as bytes and as it means

Of a bus that the running agent uses: both directions. Of any other port: what comes in. Ends after --seconds, or with Ctrl-C.

  --baud RATE      bits per second of a port that no agent uses (default 9600)
  --parity PARITY  none, even or odd (default none)
  --seconds N      how long, 1 to 3600 (default 60)
  --state FOLDER   state folder of the running agent (default /var/lib/sightline)
  --json           one line of JSON for each piece: at, direction, hex, meaning

Examples:
  sightline serial monitor /dev/ttyUSB0
  sightline serial monitor /dev/ttyUSB1 --baud 2400 --seconds 10 --json
`;

const SCAN_HELP = `sightline serial scan PORT - finds PTZ gear on a port that no agent uses

Asks at each speed and address, about a quarter of a minute: VISCA cameras and Pelco-D heads with extended replies answer. With --move, gear that cannot
answer is moved for half a second, one candidate after another, and you say whether something moved. Ends with what belongs into the site file.

  --baud RATES      speeds to try, separated by commas (default 9600,2400,4800,19200,38400)
  --address LIST    addresses to try, separated by commas (default 1 to 8)
  --protocol LIST   pelco-d, pelco-p, pelco-p-direct, visca, samsung-t, hikvision (default all)
  --rts             the RS-485 adapter is turned by its RTS line
  --move            also move what does not answer; needs somebody at the terminal
  --json            the findings as JSON

Examples:
  sightline serial scan /dev/ttyUSB0
  sightline serial scan /dev/ttyUSB0 --protocol pelco-d,pelco-p --baud 2400 --move
`;

/** `sightline serial monitor` */
export function makeSerialMonitorCommand(maker: SerialToolsMaker): CliCommand {
  return {
    name: 'serial monitor',
    summary: 'what goes over a serial line, as bytes and as it means',
    help: MONITOR_HELP,
    run: (args, io) => monitor(maker, args, io),
  };
}

/** `sightline serial scan` */
export function makeSerialScanCommand(maker: SerialToolsMaker): CliCommand {
  return { name: 'serial scan', summary: 'find PTZ gear on a serial port', help: SCAN_HELP, run: (args, io) => scan(maker, args, io) };
}

async function monitor(maker: SerialToolsMaker, args: readonly string[], io: CliIo): Promise<number> {
  const shape = { baud: { type: 'string' }, parity: { type: 'string' }, seconds: { type: 'string' } } as const;
  const { values, words } = readWithWords('serial monitor', args, shape);
  const path = portOf(words, 'serial monitor');
  const endsAtMs = systemClock.monotonicMs() + numberOf('--seconds', values.seconds ?? '60', 1, 3_600) * 1000;
  const tell = (one: LocalTraffic['entries'][number]): void => io.out(values.json === true ? `${JSON.stringify(one)}\n` : asLine(one));
  const isOfAgent = await follow(path, endsAtMs, values, io, tell);
  if (isOfAgent) return EXIT.ok;
  const parity = values.parity ?? 'none';
  if (parity !== 'none' && parity !== 'even' && parity !== 'odd') throw usage(`"${parity}" is no parity.`, 'Use none, even or odd.');
  const tools = await maker.serialTools(quietLog(io));
  const settings = { path, baudRate: numberOf('--baud', values.baud ?? '9600', 300, 115_200), parity } as const;
  const ear = tools.monitor(settings, ({ atMs, direction, hex, meaning }) => tell({ at: Math.floor(atMs), direction, hex, meaning }));
  try {
    await delay(systemClock, Math.min(POLL_MS, endsAtMs - systemClock.monotonicMs()));
    const { isOpen, reason } = ear.state();
    if (!isOpen) throw portError(new DriverError('serial.unavailable', reason));
    await delay(systemClock, endsAtMs - systemClock.monotonicMs());
  } finally {
    await ear.close();
  }
  return EXIT.ok;
}

/** Listens with the agent's own ears; false when no agent runs or the port is not one of its buses. */
async function follow(
  path: string,
  endsAtMs: number,
  whom: { readonly state?: string | undefined },
  io: CliIo,
  tell: (one: LocalTraffic['entries'][number]) => void,
): Promise<boolean> {
  let after = 0;
  try {
    do {
      const { entries, last } = await ask('serial-traffic', whom, io, { path, after });
      for (const one of entries) tell(one);
      after = last;
      await delay(systemClock, POLL_MS);
    } while (systemClock.monotonicMs() < endsAtMs);
    return true;
  } catch (error) {
    const isElsewhere = error instanceof AgentError && (error.code === 'control.not_running' || error.code === 'serial.no_such_port');
    if (isElsewhere && after === 0) return false;
    throw error;
  }
}

async function scan(maker: SerialToolsMaker, args: readonly string[], io: CliIo): Promise<number> {
  const shape = {
    baud: { type: 'string' },
    address: { type: 'string' },
    protocol: { type: 'string' },
    rts: { type: 'boolean' },
    move: { type: 'boolean' },
  } as const;
  const { values, words } = readWithWords('serial scan', args, shape);
  const path = portOf(words, 'serial scan');
  if (values.move === true && io.ask === undefined)
    throw usage('Nobody sits at this terminal to say what moved.', 'Leave --move out, or run it in a terminal.');
  const options: SerialScanOptions = {
    signal: new AbortController().signal,
    direction: values.rts === true ? 'rts' : 'adapter',
    baudRates: values.baud?.split(',').map((one) => numberOf('--baud', one, 300, 115_200)),
    addresses: values.address?.split(',').map((one) => numberOf('--address', one, 0, 255)),
    protocols: values.protocol?.split(',').map(protocolOf),
    onTry: (what) => (io.isTerminal ? io.err(`Trying ${what} ...\n`) : undefined),
  };
  const tools = await maker.serialTools(quietLog(io));
  const found: SerialFinding[] = [];
  try {
    for await (const one of tools.scan(path, options)) found.push(one);
    if (values.move === true) io.err('Look at the cameras: each candidate is moved to the right for half a second.\n');
    if (values.move === true && io.ask !== undefined) found.push(...(await tryMoves(tools, path, options, found, io.ask)));
  } catch (error) {
    throw portError(error);
  }
  if (values.json === true) io.out(`${JSON.stringify({ path, found })}\n`);
  else io.out(asText(path, found));
  return found.length > 0 ? EXIT.ok : EXIT.failed;
}

/** One candidate after another, until somebody says that this was it, or has had enough. */
async function tryMoves(
  tools: SerialTools,
  path: string,
  options: SerialScanOptions,
  known: readonly SerialFinding[],
  question: (text: string) => Promise<string>,
): Promise<readonly SerialFinding[]> {
  const moved: SerialFinding[] = [];
  const isSame = (a: SerialCandidate, b: SerialCandidate): boolean => a.protocol === b.protocol && a.address === b.address;
  for (const candidate of tools.candidates(options)) {
    if ([...known, ...moved].some((one) => isSame(one, candidate))) continue;
    await tools.nudge(path, candidate, options);
    const { protocol, baudRate, address } = candidate;
    const answer = (await question(`${protocol}, ${baudRate} baud, address ${address}: did a camera move? [y/N, q to end] `))
      .trim()
      .toLowerCase();
    if (answer === 'q') break;
    if (answer === 'y') moved.push({ ...candidate, says: 'moved, as you said' });
  }
  return moved;
}

function asLine({ at, direction, hex, meaning }: LocalTraffic['entries'][number]): string {
  const time = new Date(at).toISOString().slice(11, 23);
  return `${time}  ${direction === 'in' ? '<' : '>'}  ${hex.replace(/../g, '$& ').padEnd(36)} ${meaning}\n`;
}

function asText(path: string, found: readonly SerialFinding[]): string {
  if (found.length === 0)
    return `Nothing answers on ${path}. Much gear cannot: try --move. Then check the two wires (swap them), the power and the address switches.\n`;
  const rows = found.map(({ protocol, baudRate, address, says }) => [protocol, `${baudRate} baud`, `address ${address}`, says]);
  const several = new Set(found.map(bus)).size > 1 ? ', one of' : '';
  const lines = [...new Set(found.map(bus))].map(
    (one) =>
      `  ${siteLine(
        path,
        found.filter((other) => bus(other) === one),
      )}`,
  );
  return `${columns(rows)}\n\nFor "serial" in the site file${several}, with your own channels:\n${lines.join('\n')}\n`;
}

/** What shares one line of the site file. */
const bus = ({ protocol, baudRate }: SerialFinding): string => `${protocol} ${baudRate}`;

function siteLine(path: string, found: readonly SerialFinding[]): string {
  const { protocol, baudRate, parity } = found[0] ?? {};
  const units = Object.fromEntries(found.map(({ address }, at) => [address, `cam-${at + 1}`]));
  return JSON.stringify({ path, baudRate, parity, protocol, units });
}

/** Ports that look like such, named so that they stay the same when cables change places; without a library, whose list needs udev's own tools. */
function portsHere(): readonly string[] {
  const within = (folder: string, pattern: RegExp): string[] => {
    try {
      return readdirSync(folder)
        .filter((name) => pattern.test(name))
        .map((name) => `${folder}/${name}`);
    } catch {
      return [];
    }
  };
  const named = within('/dev/serial/by-id', /./);
  return named.length > 0 ? named : within('/dev', /^tty(USB|ACM|AMA|XR|SC)\d+$/);
}

function portOf(words: readonly string[], command: string): string {
  const [path] = words;
  if (path !== undefined && words.length === 1 && path.startsWith('/')) return path;
  const here = portsHere();
  const which = here.length === 0 ? 'No serial adapter is plugged in here.' : `Here are: ${here.join(', ')}.`;
  throw usage('Name one serial port, as /dev/ttyUSB0.', `${which} See sightline ${command} --help.`);
}

function numberOf(option: string, text: string, least: number, most: number): number {
  const value = /^\d{1,6}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw usage(`${option} is ${least} to ${most}, not "${text}".`, 'Correct it and try again.');
}

function protocolOf(text: string): SerialPtzProtocol {
  const found = PROTOCOLS.find((one) => one === text.trim());
  if (found !== undefined) return found;
  throw usage(`"${text}" is no protocol.`, `Use ${PROTOCOLS.join(', ')}.`);
}

function usage(say: string, fix: string): AgentError {
  return new AgentError({ code: 'cli.usage', say, fix });
}

function portError(error: unknown): unknown {
  if (!(error instanceof DriverError)) return error;
  return new AgentError({
    code: 'serial.unavailable',
    say: error.message,
    fix: 'Check the path and who may use it; the agent must not use the same port (take it out of the site file, or stop the agent).',
    cause: error,
  });
}

function quietLog(io: CliIo): Log {
  return createLog({ level: 'error', clock: systemClock, write: (line) => io.err(`${line}\n`), format: io.isTerminal ? 'text' : 'json' });
}
