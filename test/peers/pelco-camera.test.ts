import { once } from 'node:events';
import { existsSync, openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startPelcoCamera, startPtyPair } from './pelco-camera.js';

test('a camera on one end of a pty pair obeys what is written to the other, and answers a query', async () => {
  const pair = await startPtyPair();
  const camera = await startPelcoCamera({ device: pair.far, address: 2 });
  const fd = openSync(pair.near, 'r+');
  const near = new ReadStream(fd);
  try {
    const send = async (hex: string): Promise<void> => {
      const done = camera.next();
      writeSync(fd, Buffer.from(hex, 'hex'));
      await done;
    };
    await send('ff020002200024');
    assert.equal([camera.motion().pan, camera.motion().panSpeed], [1, 32]);
    // Address 1 is somebody else; the stop behind it is ours.
    await send('ff010008001019ff020000000002');
    assert.equal([camera.motion().pan, camera.motion().tilt], [0, 0]);
    await send('ff020003000106');
    await send('ff02000700010a');
    assert.equal(camera.motion().lastPreset, 1);
    assert.equal(
      camera.commands.map((command) => command.kind),
      ['motion', 'motion', 'set-preset', 'goto-preset'],
    );
    const answered = once(near, 'data');
    await send('ff020051000053');
    assert.is(((await answered) as [Buffer])[0].toString('hex'), 'ff02005900005b');
  } finally {
    near.destroy();
    await camera.stop();
    await pair.stop();
  }
  assert.not.ok(existsSync(pair.near));
});

test('a device that is not there is refused', async () => {
  const refused = await startPelcoCamera({ device: '/nonexistent/tty' }).catch((error: NodeJS.ErrnoException) => error.code);
  assert.is(refused, 'ENOENT');
});

test.run();
