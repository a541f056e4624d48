import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Snapshot } from '../../../../../agent/contract/snapshot.js';
import { toBase64url } from '../../../../../agent/contract/text.js';
import { AgentError } from '../../../../../agent/kernel/errors.js';
import type { CallOptions, RecorderClient } from '../../../../../scripts/portal/client/recorder-client.js';
import { takeSnapshot } from '../../../../../scripts/portal/client/snapshot.js';

const PARTS = [Uint8Array.of(0xff, 0xd8, 1), Uint8Array.of(2, 3, 4), Uint8Array.of(5)];
const ANSWER: Snapshot = { cam: 'cam-1', at: 1, pieces: 3, bytes: 7, width: 640, height: 360, watermark: 'Robin' };
const pieceOf = (piece: number, cam = 'cam-1') => ({ cam, piece, pieces: 3, data: toBase64url(PARTS[piece] ?? new Uint8Array()) });

/** A client that answers after `before` was told; `after` comes late. */
function fakeClient(before: readonly unknown[], after: readonly unknown[] = []): Pick<RecorderClient, 'call'> {
  return {
    call: (async (_op: string, _args: unknown, options: CallOptions) => {
      for (const piece of before) options.onPiece?.(piece);
      setImmediate(() => {
        for (const piece of after) options.onPiece?.(piece);
      });
      return ANSWER;
    }) as unknown as RecorderClient['call'],
  };
}

test('pieces are joined in their order, whatever the order in which they were opened', async () => {
  const { jpeg } = await takeSnapshot(fakeClient([pieceOf(2), pieceOf(0), pieceOf(0)], [pieceOf(1)]), 'cam-1');
  assert.equal([...jpeg], [0xff, 0xd8, 1, 2, 3, 4, 5]);
});

test('a piece of another camera is not taken for one of this', async () => {
  const taken = takeSnapshot(fakeClient([pieceOf(0), pieceOf(1), pieceOf(2, 'cam-2')], [pieceOf(2)]), 'cam-1');
  assert.is((await taken).jpeg.length, 7);
});

test('a piece that is none is refused, and a picture of which one is missing is told', async () => {
  const code = async (pieces: readonly unknown[]): Promise<string> =>
    takeSnapshot(fakeClient(pieces), 'cam-1').then(
      () => 'taken',
      (error: unknown) => (error instanceof AgentError ? error.code : String(error)),
    );
  assert.is(await code([{ ...pieceOf(0), piece: 99 }]), 'message.invalid');
  assert.is(await code([pieceOf(0), pieceOf(2)]), 'client.bad_answer');
});

test.run();
