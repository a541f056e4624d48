import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Clip, indexClip, nalType, nearestIdr, splitAnnexB } from '../../../peers/onvif-camera/clip.js';
import { CLIP_FOLDER } from '../../../peers/onvif-camera/clip-folder.js';

const files = readdirSync(CLIP_FOLDER);

test('all media together are at most 2 MB', () => {
  const bytes = files.reduce((sum, name) => sum + statSync(join(CLIP_FOLDER, name)).size, 0);
  assert.ok(bytes <= 2_000_000, `${bytes} bytes`);
});

test('each clip is 20 s of High profile without B frames, an IDR every 4 s', () => {
  const clips = files.filter((name) => name.endsWith('.h264'));
  assert.is(clips.length, 9);
  for (const name of clips) {
    const [width = 0, height = 0, rate = 0] = (/^(\d+)x(\d+)-(\d+)/.exec(name) ?? []).slice(1).map(Number);
    const clip = indexClip(readFileSync(join(CLIP_FOLDER, name)), { width, height, rate });
    assert.is(clip.frames.length, 20 * rate, name);
    assert.equal(
      clip.idrs,
      [0, 1, 2, 3, 4].map((gop) => gop * 4 * rate),
    );
    assert.is(clip.sps[1], 100, 'High profile');
    for (const frame of clip.frames) {
      for (const nal of frame.nals) {
        assert.is(nalType(nal), frame.isIdr ? 5 : 1);
        // nal_ref_idc 0 would be a B frame or a droppable one.
        assert.ok(((nal[0] ?? 0) & 0x60) !== 0);
      }
    }
  }
});

test('start codes of three and four bytes are found, trailing zeros are not part of a unit', () => {
  const units = splitAnnexB(Uint8Array.of(0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0, 0, 1, 0x65, 0x80, 0, 0));
  assert.equal(
    units.map((unit) => [...unit]),
    [
      [0x67, 1, 2],
      [0x68, 3],
      [0x65, 0x80],
    ],
  );
  assert.equal(splitAnnexB(new Uint8Array(0)), []);
});

test('several slices make one frame; a file without parameter sets is refused', () => {
  const start = [0, 0, 1];
  const head = [...start, 0x67, 100, 0, 31, ...start, 0x68, 1];
  const bytes = Uint8Array.of(...head, ...start, 0x65, 0x88, ...start, 0x65, 0x10, ...start, 0x41, 0x9a);
  const clip = indexClip(bytes, { width: 16, height: 16, rate: 25 });
  assert.equal(
    clip.frames.map((frame) => frame.nals.length),
    [2, 1],
  );
  assert.throws(() => indexClip(bytes.subarray(head.length), { width: 16, height: 16, rate: 25 }), /SPS/);
});

test('the nearest IDR may be behind, ahead, or beyond the end of the loop', () => {
  const clip = { frames: new Array(500), idrs: [0, 100, 200, 300, 400] } as unknown as Clip;
  assert.is(nearestIdr(clip, 130), 100);
  assert.is(nearestIdr(clip, 170), 200);
  assert.is(nearestIdr(clip, 490), 0);
  assert.is(nearestIdr(clip, 300), 300);
});

test.run();
