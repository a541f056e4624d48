import type { LocalStatus } from '../contract/control.js';
import type { OperationLogService } from '../operation-log/service.js';
import type { Ballast } from '../store/ballast.js';

/** What knows whether anything can be written. */
export interface StoreParts {
  readonly operationLog: Pick<OperationLogService, 'unwritableSince' | 'tryAgain'>;
  readonly stores: { readonly ballast: Pick<Ballast, 'hasRoom'> };
}

type Verdict = LocalStatus['verdict'];

/**
 * The verdict with what is true of the disk at this very moment: health looks once a minute and speaks when it has lasted, but from the first write
 * that fails on everything that changes something is refused.
 */
export async function withStoreTruth({ operationLog, stores }: StoreParts, verdict: Verdict): Promise<Verdict> {
  const hasRoom = await stores.ballast.hasRoom();
  // What failed a while ago may be well by now: nobody has tried since.
  if (hasRoom && operationLog.unwritableSince !== undefined) await operationLog.tryAgain();
  const trouble = troubleOf(hasRoom, operationLog.unwritableSince);
  if (trouble === undefined) return verdict;
  const sentence = `Needs attention: ${trouble} What changes something is refused; taking permissions back works.`;
  return { level: 'act', sentence: verdict.level === 'ok' ? sentence : `${sentence} ${verdict.sentence}` };
}

function troubleOf(hasRoom: boolean, unwritableSince: number | undefined): string | undefined {
  if (!hasRoom) return 'The disk that holds the agent’s state is full: free some space on it.';
  if (unwritableSince === undefined) return undefined;
  const since = new Date(unwritableSince).toISOString().slice(0, 16).replace('T', ' ');
  return `The operation log cannot be written since ${since} UTC: look at its disk.`;
}
