import { type AgentError, asAgentError } from '../kernel/errors.js';
import type { Log } from '../kernel/log.js';
import { type ActTools, pathOf, performAct, type Undo, undoOf } from './acts.js';
import { cancelled, failedApply, type WayBack } from './failures.js';
import type { Act } from './plan.js';

/** An unexpected value becomes an error of ours; what it says inside is not shown. */
function named(thrown: unknown): AgentError {
  return asAgentError(thrown, {
    code: 'config.failed',
    say: 'The change failed for a reason inside Sightline.',
    fix: 'Try again; if it stays so, send the support bundle.',
  });
}

/** Last act first; one that cannot be undone does not keep the others from it. */
async function goBack(undos: readonly Undo[], log: Log): Promise<WayBack> {
  const restored: string[] = [];
  const notRestored: string[] = [];
  const notRestoredWords: string[] = [];
  for (const undo of undos.toReversed()) {
    const paths = undo.act.steps.map(({ path }) => path);
    const isBack = await undo.run().catch((error: unknown) => {
      log.warn('a setting could not be set back', { path: pathOf(undo.act), error });
      return false;
    });
    (isBack ? restored : notRestored).push(...paths);
    if (!isBack) notRestoredWords.push(undo.act.what);
  }
  return { restored, notRestored, notRestoredWords };
}

/**
 * Does the acts in their order and then `finish` (which makes the result durable); resolves, per act, with whether the camera itself
 * confirmed it. When anything fails, everything done before goes back to what it was, and the error says what did not.
 */
export async function applyActs(acts: readonly Act[], tools: ActTools, log: Log, finish: () => Promise<void>): Promise<readonly boolean[]> {
  const undos: Undo[] = [];
  const confirmed: boolean[] = [];
  let at: Act | undefined;
  try {
    for (const act of acts) {
      at = act;
      if (tools.signal.aborted) throw cancelled();
      // The way back is known before the first byte goes out.
      const undo = undoOf(act, tools);
      if (undo !== undefined) undos.push(undo);
      confirmed.push(await performAct(act, tools));
    }
    await finish();
    return confirmed;
  } catch (thrown) {
    const isFinishing = confirmed.length === acts.length;
    const back = await goBack(undos, log);
    const step = isFinishing || at === undefined ? '' : pathOf(at);
    throw failedApply(named(thrown), step, isFinishing ? 'the memory of the settings' : (at?.what ?? ''), back);
  }
}
