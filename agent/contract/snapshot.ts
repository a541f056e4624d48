import * as z from 'zod/mini';
import { ChannelId, InstantMs } from './shapes.js';

/**
 * One still picture of a camera, as it travels. A picture is a picture: the scope, the row and the class in the ledger are those of live view. A letter
 * holds 64 KiB at most, and what is signed and sealed grows by two thirds on the way, so a picture comes in pieces: each is a letter of its own
 * (event `cameras.picture`), for which the permission is asked again in the tick in which it leaves. The answer comes last and holds no picture.
 */

/** Largest picture that is passed on. Nothing scales pictures here; what a sub-stream shows stays below it, and a larger one can be watched instead. */
export const PICTURE_BYTES = 200_000;
/** Bytes of a picture in one piece: 24 000 become 58 000 once written as text, signed and sealed. */
export const PIECE_BYTES = 24_000;
/** Pieces of the largest picture. */
export const MOST_PIECES = Math.ceil(PICTURE_BYTES / PIECE_BYTES);
/** Longest side of a picture, pixels: a small file may claim to be huge, and would take the memory of whoever shows it. */
export const PICTURE_SIDE = 8_192;

/** One piece; `piece` counts from 0. */
export const PicturePiece = z.strictObject({
  cam: ChannelId,
  piece: z.int().check(z.gte(0), z.lte(MOST_PIECES - 1)),
  pieces: z.int().check(z.gte(1), z.lte(MOST_PIECES)),
  /** JPEG, base64url. */
  data: z.string().check(z.minLength(1), z.maxLength(Math.ceil((PIECE_BYTES * 4) / 3)), z.regex(/^[A-Za-z0-9_-]+$/)),
});
/** The piece as a value. */
export type PicturePiece = z.infer<typeof PicturePiece>;

const Side = z.int().check(z.gte(1), z.lte(PICTURE_SIDE));

/** What the pieces make up: a JPEG of so many bytes and pixels. */
export const Snapshot = z.strictObject({
  cam: ChannelId,
  at: InstantMs,
  pieces: z.int().check(z.gte(1), z.lte(MOST_PIECES)),
  bytes: z.int().check(z.gte(1), z.lte(PICTURE_BYTES)),
  width: Side,
  height: Side,
  /** To be shown over the picture: for whom it was taken. */
  watermark: z.string(),
});
/** The answer as a value. */
export type Snapshot = z.infer<typeof Snapshot>;
