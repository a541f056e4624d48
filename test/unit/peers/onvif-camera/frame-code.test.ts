import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CODE_BLOCKS, encodeFrameNumber, readFrameNumber } from '../../../peers/onvif-camera/frame-code.js';

/** A strip of RGBA pixels with the given blocks, `width` pixels wide. */
function strip(blocks: readonly boolean[], width: number): Uint8ClampedArray {
  const block = (width * 32) / 1280;
  const pixels = new Uint8ClampedArray(width * Math.ceil(block) * 4).fill(90);
  for (let y = 0; y < block; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const isWhite = blocks[Math.floor(x / block)];
      if (isWhite !== undefined) pixels.fill(isWhite ? 230 : 20, (y * width + x) * 4, (y * width + x) * 4 + 4);
    }
  }
  return pixels;
}

test('every number is read back, at every size the camera has', () => {
  for (const width of [1280, 640, 320]) {
    for (let value = 0; value < 2048; value += width === 1280 ? 97 : 13) {
      assert.is(readFrameNumber(strip(encodeFrameNumber(value), width), width), value);
    }
  }
});

test('a wrong parity, a missing marker and a grey picture are no number', () => {
  const blocks = [...encodeFrameNumber(1234)];
  assert.is(blocks.length, CODE_BLOCKS);
  assert.is(readFrameNumber(strip(blocks.with(5, !blocks[5]), 640), 640), undefined);
  assert.is(readFrameNumber(strip(blocks.with(0, false), 640), 640), undefined);
  assert.is(readFrameNumber(new Uint8ClampedArray(640 * 16 * 4).fill(120), 640), undefined);
  assert.is(readFrameNumber(new Uint8ClampedArray(0), 640), undefined);
});

test.run();
