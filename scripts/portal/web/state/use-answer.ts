import { useEffect, useRef, useState } from 'preact/hooks';
import type { AnswerOf, ArgsOf, OperationName } from '../../../../agent/contract/operations.js';
import type { AgentError } from '../../../../agent/kernel/errors.js';
import { type RecorderSession, tellable } from './recorder-session.js';

/** An answer of the recorder on its way, here, or missing. Old data stays while new is fetched or could not be. */
export interface Answer<T> {
  readonly data: T | undefined;
  readonly error: AgentError | undefined;
  readonly isLoading: boolean;
  /** The recorder says it is gone: it is not asked, and what is here is old. */
  readonly isAway: boolean;
  /** When the data came, by this device's clock. */
  readonly at: number | undefined;
  reload(): void;
}

interface Options {
  /** Ask again when these counters of the recorder's status rise. */
  readonly on?: readonly ('permissions' | 'cameras' | 'config' | 'security')[];
  /** Ask again after this time while the page can be seen. */
  readonly everyMs?: number;
  /** False: do not ask (not allowed, or not yet known what). */
  readonly isWanted?: boolean;
}

type Held<T> = Omit<Answer<T>, 'reload' | 'isAway'>;

/** Asks the recorder and keeps the answer current while the component is shown. */
export function useAnswer<Name extends OperationName>(
  session: RecorderSession,
  op: Name,
  args: ArgsOf<Name>,
  options: Options = {},
): Answer<AnswerOf<Name>> {
  const [held, setHeld] = useState<Held<AnswerOf<Name>>>({ data: undefined, error: undefined, isLoading: true, at: undefined });
  const [turn, setTurn] = useState(0);
  const newest = useRef(0);
  const status = session.status.value;
  const isAway = status?.state === 'offline';
  const { on = [], everyMs, isWanted = true } = options;
  const counters = on.map((name) => status?.changes[name] ?? 0).join('.');
  const key = JSON.stringify([op, args, counters, status?.boot ?? '', status?.state ?? '', turn]);

  useEffect(() => {
    if (!isWanted || status === undefined || isAway) return;
    newest.current += 1;
    const mine = newest.current;
    setHeld((before) => ({ ...before, isLoading: true }));
    session.link.call(op, args).then(
      (data) => mine === newest.current && setHeld({ data, error: undefined, isLoading: false, at: Date.now() }),
      (error: unknown) => mine === newest.current && setHeld((before) => ({ ...before, error: tellable(error), isLoading: false })),
    );
  }, [session, key, isWanted, status === undefined, isAway]);

  useEffect(() => {
    if (everyMs === undefined) return undefined;
    const timer = setInterval(() => document.visibilityState === 'visible' && setTurn((before) => before + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);

  useEffect(
    () => () => {
      newest.current += 1;
    },
    [],
  );
  return { ...held, isAway, reload: () => setTurn((before) => before + 1) };
}
