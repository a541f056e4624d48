import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { newId } from '../../../../../agent/contract/text.js';
import { AgentError } from '../../../../../agent/kernel/errors.js';
import { ownerIdentity } from '../../../../../scripts/portal/client/identity.js';
import { newSigningKey } from '../../../../../scripts/portal/client/keys.js';
import { RecorderClient } from '../../../../../scripts/portal/client/recorder-client.js';
import { Uptime } from '../../../../../scripts/portal/client/uptime.js';
import { MemoryRecorder } from './memory-recorder.js';

async function openClient(recorder: MemoryRecorder): Promise<RecorderClient> {
  const { signer } = await newSigningKey();
  const client = new RecorderClient({ transport: recorder, scope: recorder.scope, identity: ownerIdentity(signer), deviceKey: null });
  await client.start();
  return client;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error: unknown) => (error instanceof AgentError ? error.code : String(error)),
  );
}

test('uptime is what was said and the time since; of two reckonings of one boot the higher counts', () => {
  const uptime = new Uptime();
  uptime.learn('a', 5_000, 100);
  assert.is(uptime.at(350.7), 5_250);
  uptime.learn('a', 5_010, 350);
  assert.is(uptime.at(350), 5_250, 'news that lay at the relay does not turn it back');
  uptime.learn('a', 9_000, 400);
  assert.is(uptime.at(400), 9_000);
  uptime.learn('b', 10, 500);
  assert.is(uptime.at(600), 110, 'another boot begins anew');
  uptime.correct(3, 700);
  assert.is(uptime.at(700), 3, 'the recorder’s own word corrects downwards too');
  uptime.correct(0, 700);
  assert.is(uptime.at(600), 0);
});

test('a command says when it was made by the recorder’s uptime', async () => {
  const recorder = await MemoryRecorder.make();
  recorder.up = 77_000;
  await recorder.tellStatus();
  const client = await openClient(recorder);
  await client.call('ptz.stop', { cam: 'cam-1' });
  const [command] = recorder.commands;
  assert.ok(command !== undefined && command.at >= 77_000 && command.at < 80_000, `${command?.at}`);
  assert.is(command?.boot, recorder.boot);
  client.close();
});

for (const code of ['command.too_old', 'command.ahead']) {
  test(`${code}: the client takes over the recorder’s uptime and tries once more`, async () => {
    const recorder = await MemoryRecorder.make();
    await recorder.tellStatus();
    const client = await openClient(recorder);
    recorder.reply = () => (recorder.commands.length === 1 ? { code, detail: { up: 500_000 } } : { body: { isDone: true } });
    await client.call('ptz.stop', { cam: 'cam-1' });
    const [first, second] = recorder.commands;
    assert.ok((first?.at ?? 0) < 10_000);
    assert.ok((second?.at ?? 0) >= 500_000 && (second?.at ?? 0) < 503_000, `${second?.at}`);
    assert.ok((second?.n ?? 0) > (first?.n ?? 0));
    client.close();
  });
}

for (const [way, isWaiting] of [
  ['lan', true],
  ['relay', false],
] as const) {
  test(`over the ${way} a question ${isWaiting ? 'waits until its answer is listened for' : 'leaves beside the wish to hear its answer'}`, async () => {
    const recorder = await MemoryRecorder.make();
    await recorder.tellStatus();
    const client = await openClient(recorder);
    recorder.way = way;
    let askedBefore = -1;
    recorder.beforeListening = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      askedBefore = recorder.published.length;
    };
    await client.call('ptz.stop', { cam: 'cam-1' });
    assert.is(askedBefore, isWaiting ? 0 : 1);
    client.close();
  });
}

test('a command that is refused as too old again is told, not tried for ever', async () => {
  const recorder = await MemoryRecorder.make();
  await recorder.tellStatus();
  const client = await openClient(recorder);
  recorder.reply = () => ({ code: 'command.too_old', detail: { up: 1 } });
  assert.is(await codeOf(client.call('ptz.stop', { cam: 'cam-1' })), 'command.too_old');
  assert.is(recorder.commands.length, 2);
  client.close();
});

test('after a restart the next try names the new boot and its uptime', async () => {
  const recorder = await MemoryRecorder.make();
  recorder.up = 900_000;
  await recorder.tellStatus();
  const client = await openClient(recorder);
  recorder.boot = newId();
  recorder.up = 20;
  recorder.reply = (command) => {
    if (command.boot === recorder.boot) return { body: { isDone: true } };
    void recorder.tellStatus({ at: Date.now() + 1 });
    return { code: 'command.stale_boot' };
  };
  await client.call('ptz.stop', { cam: 'cam-1' });
  const second = recorder.commands[1];
  assert.is(second?.boot, recorder.boot);
  assert.ok((second?.at ?? 0) < 5_000, `${second?.at}`);
  client.close();
});

test('a recorder that was started with its clock ten years back is believed once it says that the other start is over', async () => {
  const recorder = await MemoryRecorder.make();
  await recorder.tellStatus({ at: Date.now() + 315_360_000_000 });
  const client = await openClient(recorder);
  await client.call('ptz.stop', { cam: 'cam-1' });
  const known = client.status?.boot;
  recorder.boot = newId();
  recorder.reply = (command) => (command.boot === recorder.boot ? { body: { isDone: true } } : { code: 'command.stale_boot' });
  await recorder.tellStatus();
  await client.call('ptz.stop', { cam: 'cam-1' });
  assert.is.not(client.status?.boot, known);
  assert.is(client.status?.boot, recorder.boot);
  client.close();
});

test('after the word that it is off, a start with its clock set back is taken as it is', async () => {
  const recorder = await MemoryRecorder.make();
  await recorder.tellStatus({ at: Date.now() + 315_360_000_000 });
  const client = await openClient(recorder);
  await client.call('ptz.stop', { cam: 'cam-1' });
  const heard: string[] = [];
  client.onStatus(({ state, boot }) => heard.push(`${state} ${boot === recorder.boot}`));
  await recorder.tellStatus({ state: 'offline', at: Date.now() + 315_360_000_000 });
  await heardOf(client, () => heard.length === 1);
  recorder.boot = newId();
  await recorder.tellStatus();
  await heardOf(client, () => heard.length === 2);
  assert.equal(heard, ['offline true', 'online true']);
  client.close();
});

function heardOf(client: RecorderClient, isSo: () => boolean): Promise<void> {
  if (isSo()) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = client.onStatus(() => {
      if (!isSo()) return;
      stop();
      resolve();
    });
  });
}

test.run();
