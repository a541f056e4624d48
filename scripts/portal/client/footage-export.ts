import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { ExportStatement } from '../../../agent/contract/footage.js';
import { verifyStatement } from '../../../agent/contract/jws.js';
import type { PublicJwk } from '../../../agent/contract/shapes.js';
import { AgentError } from '../../../agent/kernel/errors.js';
import { FootageLink } from './footage-link.js';
import type { RecorderClient } from './recorder-client.js';

/** A clip as it is kept, and what the recorder signed of it. */
export interface FootageFile {
  readonly name: string;
  readonly clip: Blob;
  /** export+jws: whoever holds the recorder's key can check the file with it. */
  readonly statement: string;
  readonly facts: ExportStatement;
}

/** Which clip is wanted. `key`: the recorder's, that its signature is checked with. */
export interface ExportWish {
  readonly client: Pick<RecorderClient, 'call'>;
  readonly key: PublicJwk;
  readonly cam: string;
  readonly from: number;
  readonly to: number;
  onBytes(bytes: number): void;
}

/** A clip on its way: `done` rejects with what went wrong, and with footage.closed after `stop()`. */
export interface RunningExport {
  readonly done: Promise<FootageFile>;
  stop(): void;
}

const wrong = (): AgentError =>
  new AgentError({
    code: 'footage.bad_file',
    say: 'What came is not what the recorder signed, so it was thrown away.',
    fix: 'Try again; if it happens again, tell the owner.',
  });

/** Fetches a clip piece by piece, counts and hashes it, and gives it out only when the recorder has signed exactly that. */
export function exportFootage({ client, key, cam, from, to, onBytes }: ExportWish): RunningExport {
  const pieces: ArrayBuffer[] = [];
  const hash = sha256.create();
  let bytes = 0;
  let isComplete = false;
  let link: FootageLink | undefined;
  const done = new Promise<FootageFile>((resolve, reject) => {
    link = new FootageLink({
      client,
      ask: (offer, options) => client.call('playback.export', { cam, from, to, ...offer }, options),
      onPiece: (piece) => {
        pieces.push(piece);
        hash.update(new Uint8Array(piece));
        bytes += piece.byteLength;
        onBytes(bytes);
      },
      onWord: (word) => {
        if (word.t === 'trouble') reject(new AgentError({ code: word.code, say: word.say, fix: word.fix }));
        if (word.t !== 'file') return;
        isComplete = true;
        const { name, statement } = word;
        verifyStatement(statement, 'export+jws', key, ExportStatement)
          .then((facts) => {
            const isWhole = facts.cam === cam && facts.bytes === bytes && facts.sha256 === bytesToHex(hash.digest());
            if (isWhole) link?.taken();
            if (isWhole) resolve({ name, clip: new Blob(pieces, { type: 'video/mp4' }), statement, facts });
            else reject(wrong());
          })
          .catch(reject)
          .finally(() => void link?.stop());
      },
      // The recorder's word that it is over may overtake the check of what it signed.
      onEnd: ({ code, say, fix }) => isComplete || reject(new AgentError({ code, say, fix })),
    });
    void link.open();
  });
  return { done, stop: () => void link?.stop() };
}
