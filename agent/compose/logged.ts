import type { ControlSource } from '../contract/control.js';
import { AgentError } from '../kernel/errors.js';
import type { EntryInput } from '../operation-log/entry.js';
import type { OperationLog } from '../operation-log/ports.js';

/** Who acts, when somebody at the recorder does. */
export function by(source: ControlSource): { readonly source: ControlSource; readonly actor: 'local' } {
  return { source, actor: 'local' };
}

/** Nothing was tried: not allowed, or it names something that is not there. */
const REFUSED = /^(pairing|permissions)\.|^cameras\.(no_such|bad_|named_in)/;

/** Committed before it is done, and again with how it ended. `after`: what the result tells of the answer. */
export async function logged<T>(
  { operationLog }: { readonly operationLog: Pick<OperationLog, 'intent' | 'result'> },
  entry: Omit<EntryInput, 'phase'>,
  work: () => Promise<T>,
  after?: (done: T) => EntryInput['after'],
): Promise<T> {
  const intent = await operationLog.intent(entry);
  let done: T;
  try {
    done = await work();
  } catch (error) {
    const code = error instanceof AgentError ? error.code : 'control.failed';
    await operationLog.result(intent, { result: REFUSED.test(code) ? 'refused' : 'failed', code });
    throw error;
  }
  const told = after?.(done);
  await operationLog.result(intent, { result: 'ok', ...(told === undefined ? {} : { after: told }) });
  return done;
}
