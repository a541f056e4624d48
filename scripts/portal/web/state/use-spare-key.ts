import { useEffect, useState } from 'preact/hooks';
import type { AgentError } from '../../../../agent/kernel/errors.js';
import type { SigningKey } from '../../client/keys.js';
import { useApp } from './context.js';
import { tellable } from './recorder-session.js';

/** The key of this browser that no recorder knows yet, once it is there; or why it could not be made. */
export function useSpareKey(): { readonly key: SigningKey | undefined; readonly error: AgentError | undefined } {
  const { services } = useApp();
  const [key, setKey] = useState<SigningKey>();
  const [error, setError] = useState<AgentError>();
  useEffect(() => {
    let isCurrent = true;
    services.keyring.spareKey().then(
      (kept) => isCurrent && setKey(kept),
      (thrown: unknown) => isCurrent && setError(tellable(thrown)),
    );
    return () => {
      isCurrent = false;
    };
  }, []);
  return { key, error };
}
