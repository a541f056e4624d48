import { parseShape } from '../../../agent/contract/shapes.js';
import { PicturePiece, type Snapshot } from '../../../agent/contract/snapshot.js';
import { concatBytes, fromBase64url } from '../../../agent/contract/text.js';
import { AgentError } from '../../../agent/kernel/errors.js';
import type { RecorderClient } from './recorder-client.js';

/** A still picture as it came: a JPEG, and what the recorder says of it. */
export interface Still extends Snapshot {
  readonly jpeg: Uint8Array<ArrayBuffer>;
}

/** The recorder waits 12 s for its camera; then the pieces travel. */
const ANSWER_MS = 25_000;
/** Pieces come before the answer, and are opened side by side with it. */
const PIECES_MS = 3_000;

/** Asks for one still picture; rejects as `client.call` does, and with client.bad_answer when pieces are missing or do not fit. */
export async function takeSnapshot(client: Pick<RecorderClient, 'call'>, cam: string): Promise<Still> {
  const pieces = new Map<number, Uint8Array>();
  let came: () => void = () => undefined;
  const onPiece = (body: unknown): void => {
    const piece = parseShape(PicturePiece, body);
    if (piece.cam === cam) pieces.set(piece.piece, fromBase64url(piece.data));
    came();
  };
  const answer = await client.call('cameras.snapshot', { cam }, { timeoutMs: ANSWER_MS, onPiece });
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, PIECES_MS);
    came = () => {
      if (pieces.size < answer.pieces) return;
      clearTimeout(timer);
      resolve();
    };
    came();
  });
  const all = Array.from({ length: answer.pieces }, (_unused, piece) => pieces.get(piece) ?? new Uint8Array());
  const jpeg = concatBytes(...all);
  if (jpeg.length !== answer.bytes) {
    const say = 'Only a part of the picture came.';
    throw new AgentError({ code: 'client.bad_answer', say, fix: 'Try again.', retryable: true });
  }
  return { ...answer, jpeg };
}
