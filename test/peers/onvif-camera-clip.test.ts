import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CLIP_FOLDER } from './onvif-camera/clip-folder.js';
import { readFrameNumber } from './onvif-camera/frame-code.js';

/** The burnt-in numbers of a whole file, in the order in which ffmpeg shows its frames. */
async function readNumbers(name: string, width: number): Promise<readonly (number | undefined)[]> {
  const height = width / 40;
  const strip = ['-vf', `crop=${width}:${height}:0:0`, '-vsync', 'passthrough', '-f', 'rawvideo', '-pix_fmt', 'rgba', '-'];
  const child = spawn('ffmpeg', ['-v', 'error', '-nostdin', '-i', join(CLIP_FOLDER, name), ...strip], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  const [code] = (await once(child, 'close')) as [number];
  assert.is(code, 0);
  const bytes = Buffer.concat(pieces);
  const size = width * height * 4;
  return Array.from({ length: bytes.length / size }, (_, index) =>
    readFrameNumber(bytes.subarray(index * size, (index + 1) * size), width),
  );
}

for (const name of readdirSync(CLIP_FOLDER).filter((one) => one.endsWith('.h264'))) {
  test(`${name} decodes without an error and every frame shows the number of its instant`, async () => {
    const [width = 0, , rate = 0] = (/^(\d+)x(\d+)-(\d+)/.exec(name) ?? []).slice(1).map(Number);
    const numbers = await readNumbers(name, width);
    assert.equal(
      numbers,
      Array.from({ length: 20 * rate }, (_, index) => Math.floor((index * 25) / rate)),
    );
  });
}

test.run();
