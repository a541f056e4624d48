import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { AgentError } from '../../../../agent/kernel/errors.js';
import { tellable } from '../state/recorder-session.js';
import { Problem, Skeleton } from './basics.js';

/** A component that is fetched when it is first shown: the start page must not wait for the charts. */
export function lazy<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  let loaded: ComponentType<Props> | undefined;
  return function Lazy(props: Props) {
    const [Shown, setShown] = useState<ComponentType<Props> | undefined>(() => loaded);
    const [error, setError] = useState<AgentError>();
    const [turn, setTurn] = useState(0);
    useEffect(() => {
      if (Shown !== undefined) return undefined;
      let isGone = false;
      load().then(
        (component) => {
          loaded = component;
          if (!isGone) setShown(() => component);
        },
        (thrown: unknown) => !isGone && setError(tellable(thrown)),
      );
      return () => {
        isGone = true;
      };
    }, [turn]);
    if (Shown !== undefined) return <Shown {...props} />;
    return error === undefined ? <Skeleton /> : <Problem error={error} onRetry={() => setTurn(turn + 1)} />;
  };
}
