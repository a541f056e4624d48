/** A Pelco-D camera on a pseudo terminal for `npm start`: prints the path of its port as JSON, then what it was told to do. */

import { startPelcoCamera, startPtyPair } from '../../test/peers/pelco-camera.js';
import type { PelcoCommand } from '../../test/peers/pelco-frames.js';

const pair = await startPtyPair();
const camera = await startPelcoCamera({ device: pair.far, address: 1 });
process.stdout.write(`${JSON.stringify({ ready: true, path: pair.near })}\n`);
camera.events.on('command', (command: PelcoCommand) => process.stdout.write(`${JSON.stringify(command)}\n`));

const stop = async (): Promise<void> => {
  process.stdin.destroy();
  await camera.stop();
  await pair.stop();
};
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => void stop());
// As leader of its own session this process has the pseudo terminal as its terminal; when that hangs up, it still has to clean up.
process.on('SIGHUP', () => undefined);
// The parent's death ends the pipe.
process.stdin.on('end', () => void stop()).resume();
