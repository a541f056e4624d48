/**
 * The reference cloud as a process: `node scripts/run.mjs scripts/portal/main.ts --port 8080 --mqtt-port 1883 --state portal.json`. With
 * `--enrol-port 8444 --authority FOLDER` it issues client certificates for a broker that asks for them (scripts/broker/).
 * Prints one line of JSON when it is ready. Ends on SIGINT and SIGTERM, and when its standard input is a pipe that ends: whoever
 * started it is gone then.
 */
import { fstatSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { stop } from 'esbuild';
import { AgentError, asAgentError } from '../../agent/kernel/errors.js';
import { type PortalOptions, startPortal } from './server.js';

const REPEAT_AFTER_MS = 60_000;

function readArguments(): PortalOptions {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '8080' },
      'mqtt-port': { type: 'string', default: '1883' },
      host: { type: 'string', default: '127.0.0.1' },
      tenant: { type: 'string', default: 'local' },
      state: { type: 'string' },
      'enrol-port': { type: 'string' },
      authority: { type: 'string', default: 'authority' },
    },
  });
  const enrolPort = values['enrol-port'];
  return {
    port: readPort('--port', values.port),
    mqttPort: readPort('--mqtt-port', values['mqtt-port']),
    host: values.host,
    tenant: values.tenant,
    stateFile: values.state,
    enrol: enrolPort === undefined ? undefined : { port: readPort('--enrol-port', enrolPort), folder: values.authority },
  };
}

function readPort(flag: string, text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new AgentError({
    code: 'portal.bad_port',
    say: `${flag} ${text} is not a port.`,
    fix: 'Give a number from 0 to 65535; 0 takes any free one.',
  });
}

/** Says each kind of trouble once a minute: a stranger who knocks all day must not fill the disk. */
function makeTroubleLog(): (error: unknown) => void {
  const saidAt = new Map<string, number>();
  return (error) => {
    const kind = error instanceof AgentError ? error.code : 'unknown';
    const now = performance.now();
    if (now - (saidAt.get(kind) ?? Number.NEGATIVE_INFINITY) < REPEAT_AFTER_MS) return;
    saidAt.set(kind, now);
    process.stderr.write(`portal: ${error instanceof Error ? error.message : String(error)}\n`);
  };
}

function isPipe(): boolean {
  try {
    const input = fstatSync(0);
    return input.isFIFO() || input.isSocket();
  } catch {
    return false;
  }
}

async function main(): Promise<void> {
  const portal = await startPortal({ ...readArguments(), onTrouble: makeTroubleLog() });
  // The app is built: esbuild's helper process would only hold memory from here on.
  await stop();
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => resolve());
    if (isPipe())
      process.stdin
        .on('end', () => resolve())
        .on('error', () => resolve())
        .resume();
  });
  process.stdout.write(
    `${JSON.stringify({ event: 'ready', url: portal.url, mqttUrl: portal.mqttUrl, enrolment: portal.enrolment, pid: process.pid })}\n`,
  );
  await ended;
  await portal.stop();
  process.stdin.destroy();
}

main().catch((thrown: unknown) => {
  const error = asAgentError(thrown, {
    code: 'portal.start_failed',
    say: `The portal could not start: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    fix: 'Correct what the sentence names and start it again.',
  });
  process.stderr.write(`${error.say} ${error.fix}\n`);
  process.exitCode = 1;
});
