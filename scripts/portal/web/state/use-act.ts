import { useState } from 'preact/hooks';
import type { AgentError } from '../../../../agent/kernel/errors.js';
import { tellable } from './recorder-session.js';

/** Something a person set off: running, failed, or neither. */
export interface Act {
  readonly isBusy: boolean;
  readonly error: AgentError | undefined;
  /** Runs `work` unless something runs already; what it throws becomes `error`. */
  run(work: () => Promise<void>): void;
  clear(): void;
}

/** The state of a button that asks the recorder for something. Nothing is shown as done before `work` has resolved. */
export function useAct(): Act {
  const [state, setState] = useState<{ isBusy: boolean; error: AgentError | undefined }>({ isBusy: false, error: undefined });
  return {
    ...state,
    run(work) {
      if (state.isBusy) return;
      setState({ isBusy: true, error: undefined });
      work().then(
        () => setState({ isBusy: false, error: undefined }),
        (error: unknown) => setState({ isBusy: false, error: tellable(error) }),
      );
    },
    clear: () => setState({ isBusy: false, error: undefined }),
  };
}
