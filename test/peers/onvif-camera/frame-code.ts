/**
 * The frame number as black and white blocks in the picture's top left corner: readable from a canvas after any scaling, with no clock
 * exchange between camera and viewer. Pure, and free of node: modules, so that a page can use it.
 */

/** Blocks: one white, one black (a picture without code is told apart), 11 bits with the highest first, one for even parity. */
export const CODE_BITS = 11;
export const CODE_BLOCKS = CODE_BITS + 3;
/** Of the picture's width: 32 pixels at 1280. Blocks are square. */
export const BLOCK_OF_WIDTH = 32 / 1280;

/** The blocks for a number of 0..2047, true for white. */
export function encodeFrameNumber(value: number): readonly boolean[] {
  const bits = Array.from({ length: CODE_BITS }, (_, index) => ((value >> (CODE_BITS - 1 - index)) & 1) === 1);
  const isOdd = bits.filter(Boolean).length % 2 === 1;
  return [true, false, ...bits, isOdd];
}

/** Reads the number from RGBA pixels of the whole picture or its top strip, `width` pixels wide; undefined when there is no valid code. */
export function readFrameNumber(rgba: ArrayLike<number>, width: number): number | undefined {
  const block = width * BLOCK_OF_WIDTH;
  const levels = Array.from({ length: CODE_BLOCKS }, (_, index) => {
    let sum = 0;
    let count = 0;
    for (let y = Math.floor(block * 0.35); y < block * 0.65; y += 1) {
      for (let x = Math.floor(block * (index + 0.35)); x < block * (index + 0.65); x += 1) {
        sum += rgba[(y * width + x) * 4 + 1] ?? 0;
        count += 1;
      }
    }
    return count === 0 ? 128 : sum / count;
  });
  if (levels.some((level) => level > 80 && level < 170)) return undefined;
  const bits = levels.map((level) => level >= 128);
  if (bits[0] !== true || bits[1] !== false) return undefined;
  const value = bits.slice(2, 2 + CODE_BITS).reduce((sum, bit) => sum * 2 + (bit ? 1 : 0), 0);
  const isOdd = bits.slice(2, 2 + CODE_BITS).filter(Boolean).length % 2 === 1;
  return bits[2 + CODE_BITS] === isOdd ? value : undefined;
}
