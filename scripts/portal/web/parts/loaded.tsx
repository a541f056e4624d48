import type { ComponentChildren } from 'preact';
import { ago } from '../format.js';
import { useApp } from '../state/context.js';
import type { Answer } from '../state/use-answer.js';
import { t } from '../words.js';
import { Problem, Skeleton } from './basics.js';

interface LoadedProps<T> {
  readonly answer: Answer<T>;
  readonly lines?: number;
  children(data: T): ComponentChildren;
}

/** An answer in each of its states: on its way, here, old with its age, or failed with the next step. */
export function Loaded<T>({ answer, lines, children }: LoadedProps<T>) {
  const { now } = useApp();
  const { data, error, at, isAway } = answer;
  if (data === undefined) {
    if (isAway) return <p class="hint">{t.awayEmpty}</p>;
    return error === undefined ? <Skeleton lines={lines ?? 3} /> : <Problem error={error} onRetry={answer.reload} />;
  }
  const isStale = isAway || error !== undefined;
  return (
    <>
      {error !== undefined && !isAway && <Problem error={error} onRetry={answer.reload} />}
      {isStale && at !== undefined && <p class="hint">{t.staleSince(ago(at, now.value))}</p>}
      <div class={isStale ? 'loaded stale' : 'loaded'}>{children(data)}</div>
    </>
  );
}
