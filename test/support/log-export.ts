import type { KeySigner } from '../../agent/contract/jws.js';
import { signStatement, verifyStatement } from '../../agent/contract/jws.js';
import type { PublicJwk } from '../../agent/contract/shapes.js';
import { Checkpoint } from '../../agent/contract/statements.js';
import { exportLines } from '../../agent/operation-log/export.js';
import { sha256 } from '../../agent/operation-log/people.js';
import { OperationLogStore } from '../../agent/store/operation-log-store.js';
import { withLog } from '../unit/agent/operation-log/open-log.js';

/** An exported log of recorder SN1 with so many rows (`text`), what it was a moment before (`older`), and its newest checkpoint. */
export interface ExportedLog {
  readonly text: string;
  readonly older: string;
  readonly newest: string;
}

/** Writes such a log with the real service and store, signed by this key. */
export async function exportOf({ signer, publicKey }: { signer: KeySigner; publicKey: PublicJwk }, rows: number): Promise<ExportedLog> {
  const checkpoints = {
    sign: (checkpoint: Checkpoint) => signStatement('checkpoint+jws', checkpoint, signer),
    open: (jws: string) => verifyStatement(jws, 'checkpoint+jws', publicKey, Checkpoint),
  };
  let made: ExportedLog = { text: '', older: '', newest: '' };
  await withLog(
    async ({ service, database, clock }) => {
      const row = { action: 'live.open', phase: 'result', source: 'relay', actor: 'employee', result: 'ok' } as const;
      const dana = { name: 'Dana Example', email: 'dana@example.org' };
      const append = (count: number) =>
        Promise.all(Array.from({ length: count }, (_, at) => service.append({ ...row, after: { at } }, dana))).then(() => service.seal());
      const text = async (): Promise<string> => {
        const parts = { store: new OperationLogStore(database), hash: sha256, device: 'SN1', key: publicKey, at: clock.at };
        const lines: string[] = [];
        for await (const line of exportLines(parts, { hasDetails: true, hasPeople: true })) lines.push(line);
        return lines.join('');
      };
      await append(rows - 6);
      const older = await text();
      await append(5);
      made = { older, text: await text(), newest: (await service.latestCheckpoint())?.jws ?? '' };
    },
    { signer: checkpoints },
  );
  return made;
}
