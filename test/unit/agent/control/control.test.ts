import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ControlActs, ControlSource } from '../../../../agent/contract/control.js';
import { askAgent } from '../../../../agent/control/control-client.js';
import { ControlServer } from '../../../../agent/control/control-server.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { TestLog } from '../../../support/test-log.js';
import { until } from '../../../support/until.js';

const ID = 'AAAAAAAAAAAAAAAAAAAAAA';

interface World {
  folder: string;
  path: string;
  server: ControlServer;
  log: TestLog;
  asked: [string, unknown, ControlSource][];
  waiting: (() => void)[];
}

const test = suite<World>('control');

type Note = <T>(op: string, answer: () => T) => (args: unknown, source: ControlSource) => Promise<T>;

function cameraActs(note: Note) {
  const done = () => ({ isDone: true as const });
  return {
    cameras: note('cameras', () => ({ now: 1, cameras: [] })),
    'cameras-discover': note('cameras-discover', () => ({ found: [] })),
    'cameras-add': note('cameras-add', () => ({ cameras: [] })),
    'cameras-remove': note('cameras-remove', done),
    'cameras-test': note('cameras-test', () => ({ cam: 'cam-1', isOk: true, steps: [] })),
    'ptz-move': note('ptz-move', done),
    'ptz-stop': note('ptz-stop', done),
    'ptz-presets': note('ptz-presets', () => ({ presets: [] })),
    'ptz-goto': note('ptz-goto', done),
    'ptz-home': note('ptz-home', done),
    'ptz-set-preset': note('ptz-set-preset', () => ({ token: '1' })),
    'ptz-remove-preset': note('ptz-remove-preset', done),
  };
}

/** Acts that note what reaches them; `owner-code` takes until the test lets it go on. */
function acts(asked: World['asked'], waiting: (() => void)[] = []): ControlActs {
  const refuse = (): never => {
    throw new AgentError({ code: 'permissions.last_device', say: 'It is the only one.', fix: 'Add another.', retryable: false });
  };
  const note =
    <T>(op: string, answer: () => T) =>
    async (args: unknown, source: ControlSource): Promise<T> => {
      asked.push([op, args, source]);
      return answer();
    };
  const code = { serial: 'ABCDEF', code: null, label: null, openS: 900 };
  return {
    status: note('status', () => {
      throw new RangeError('a fault of the program');
    }),
    press: note('press', () => code),
    label: note('label', () => ({ serial: 'ABCDEF', model: '', code: 'K7MP-X2QR-T', label: 'x'.repeat(200_000) })),
    permissions: note('permissions', () => ({ now: 1, site: null, grants: [], applications: [] })),
    withdraw: note('withdraw', () => ({ epoch: 2, grants: [ID], sessionsEnded: 0, lastMediaMs: 0 })),
    owner: note('owner', () => ({ surprise: true }) as never),
    'owner-code': async (args, source) => {
      asked.push(['owner-code', args, source]);
      await new Promise<void>((resolve) => waiting.push(resolve));
      return code;
    },
    'owner-remove': note('owner-remove', refuse),
    ledger: note('ledger', () => ({ now: 1, lines: [], sessions: [], isMore: false })),
    'log-people': note('log-people', () => ({ people: [], isMore: false })),
    'log-exported': note('log-exported', () => ({ seq: 3 })),
    'log-erase': note('log-erase', refuse),
    'log-retention': note('log-retention', () => ({ days: 365, rows: 200_000, isHeld: false, fullness: 0, incidentSince: null })),
    'serial-traffic': note('serial-traffic', () => ({ entries: [], last: 0 })),
    'incident-open': note('incident-open', () => ({ at: 1, seq: 1, grants: 0, sessionsEnded: 0, left: [] })),
    'incident-close': note('incident-close', () => ({ seq: 2 })),
    ...cameraActs(note),
    reset: note('reset', () => ({ serial: 'ABCDEF', epoch: 2, grants: 0, sessionsEnded: 0, logins: 0, people: 0, left: [] })),
  };
}

test.before.each(async (world) => {
  world.folder = mkdtempSync(join(tmpdir(), 'sightline-control-'));
  world.path = join(world.folder, 'agent.sock');
  world.log = new TestLog();
  world.asked = [];
  world.waiting = [];
  world.server = new ControlServer(world.path, () => acts(world.asked, world.waiting), world.log);
  await world.server.start();
});

test.after.each(async ({ server, folder }) => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What comes back on a plain connection that says this. */
async function said(path: string, text: string): Promise<string> {
  const socket = createConnection(path);
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    answer += chunk;
  });
  socket.on('error', () => undefined);
  socket.write(text);
  await once(socket, 'close');
  return answer;
}

const code = async (asked: Promise<unknown>): Promise<string> => {
  try {
    await asked;
    return 'answered';
  } catch (error) {
    return error instanceof AgentError ? error.code : String(error);
  }
};

test('arguments and source reach the act, checked; an answer may be larger than any request', async ({ path, asked }) => {
  assert.equal(await askAgent(path, 'withdraw', { args: { ids: [ID] }, source: 'button' }), {
    epoch: 2,
    grants: [ID],
    sessionsEnded: 0,
    lastMediaMs: 0,
  });
  assert.is((await askAgent(path, 'label', { args: { again: true } })).label.length, 200_000);
  await askAgent(path, 'press');
  assert.equal(asked, [
    ['withdraw', { ids: [ID] }, 'button'],
    ['label', { again: true }, 'local'],
    ['press', {}, 'local'],
  ]);
});

test('the socket is for its owner only', ({ path }) => {
  assert.is(statSync(path).mode & 0o777, 0o600);
});

test('a refusal comes as it was said; a fault is written down and its inside stays inside', async ({ path, log }) => {
  try {
    await askAgent(path, 'owner-remove', { args: { kid: `${ID}${ID.slice(1)}` } });
    assert.unreachable('not refused');
  } catch (error) {
    assert.ok(error instanceof AgentError);
    assert.equal([error.code, error.say, error.fix], ['permissions.last_device', 'It is the only one.', 'Add another.']);
  }
  assert.is(await code(askAgent(path, 'status')), 'control.failed');
  assert.is(log.lines.filter(({ level }) => level === 'error').length, 1);
  assert.not.match(await said(path, '{"op":"status"}\n'), 'fault of the program');
});

test('what is no request of the table is refused, and nothing is done', async ({ path, asked }) => {
  const answers: Record<string, string> = {
    '{"op":"format"}': 'control.unknown',
    '{"op":"toString"}': 'control.unknown',
    '{"op":"withdraw","args":{"ids":[]}}': 'control.invalid',
    '{"op":"withdraw","args":{"ids":["short"]}}': 'control.invalid',
    '{"op":"reset","args":{"everything":true}}': 'control.invalid',
    '{"op":"press","source":"relay"}': 'control.invalid',
    '{"op":"press","more":1}': 'control.invalid',
    '{"op":"press","op":"reset"}': 'message.duplicate_key',
    press: 'message.malformed',
  };
  for (const [line, expected] of Object.entries(answers)) assert.match(await said(path, `${line}\n`), `"code":"${expected}"`);
  assert.equal(asked, []);
});

test('one request per connection, no endless line, and a caller who hung up before he asked is let go', async ({
  path,
  asked,
  waiting,
}) => {
  const socket = createConnection(path);
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    answer += chunk;
  });
  socket.write('{"op":"owner-code"}\n{"op":"reset"}\n');
  await until('it is asked', () => asked.length > 0);
  await new Promise<void>((resolve) => socket.write('{"op":"reset"}\n', () => resolve()));
  // Another caller is served meanwhile, and after what was written before he came.
  await askAgent(path, 'press');
  for (const goOn of waiting) goOn();
  await once(socket, 'close');
  assert.is(answer.trim().split('\n').length, 1);
  assert.equal(
    asked.map(([op]) => op),
    ['owner-code', 'press'],
  );
  assert.is(await said(path, 'x'.repeat(5000)), '');
  const gone = createConnection(path);
  gone.end();
  gone.on('error', () => undefined).resume();
  await once(gone, 'close');
});

test('a second agent finds the lock; a dead one’s socket is taken over', async ({ path, server, log }) => {
  const second = new ControlServer(path, () => acts([]), log);
  assert.is(await code(second.start()), 'control.already_running');
  assert.is((await askAgent(path, 'press')).openS, 900);
  await server.stop();
  assert.is(await code(askAgent(path, 'press')), 'control.not_running');
  await second.start();
  assert.is((await askAgent(path, 'press')).openS, 900);
  await second.stop();
});

/** A server that is no agent: does what the test says with each caller. */
async function stranger(path: string, serve: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    serve(socket);
  });
  server.listen(path);
  await once(server, 'listening');
  return server;
}

test('the client tells an agent that died, one that speaks otherwise, and one that sends without end', async ({ folder, path }) => {
  assert.is(await code(askAgent(path, 'owner')), 'control.other_version');
  const answers: [string, string][] = [
    ['', 'control.cut_off'],
    ['hello\n', 'control.other_version'],
    ['{"ok":true}\n', 'control.other_version'],
    ['{"ok":maybe}\n', 'control.other_version'],
    ['x'.repeat(1_200_000), 'control.other_version'],
  ];
  for (const [index, [text, expected]] of answers.entries()) {
    const place = join(folder, `other-${index}.sock`);
    const server = await stranger(place, (socket) => socket.once('data', () => socket.end(text)));
    assert.is(await code(askAgent(place, 'permissions')), expected, text.slice(0, 20));
    server.close();
  }
  const place = join(folder, 'dies.sock');
  const server = await stranger(place, (socket) => socket.destroy());
  assert.is(await code(askAgent(place, 'permissions')), 'control.cut_off');
  server.close();
});

test('silence has an end', async ({ folder }) => {
  const place = join(folder, 'silent.sock');
  const callers: Socket[] = [];
  const server = await stranger(place, (socket) => void callers.push(socket));
  assert.is(await code(askAgent(place, 'withdraw', { limitMs: 50 })), 'control.no_answer');
  for (const caller of callers) caller.destroy();
  server.close();
});

test.run();
