import { useEffect, useState } from 'preact/hooks';
import { go } from '../router.js';
import { useApp } from '../state/context.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { tt } from '../trust-words.js';
import { Button, Problem } from './basics.js';

/** A recorder that is on its way is not offered to be forgotten at once. */
const PATIENCE_MS = 5_000;

/** The way to be rid of a recorder that does not answer, with what that means; nothing while it does. */
export function Forget({ session }: { readonly session: RecorderSession }) {
  const app = useApp();
  const act = useAct();
  const [isLong, setLong] = useState(false);
  const state = session.status.value?.state;
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  if (state === 'online' || (state === undefined && !isLong)) return null;
  const { role, serial } = session;
  const forget = (): void =>
    act.run(async () => {
      await (role === 'own' ? app.removeOwned(serial) : app.removeServed(serial));
      go(role);
    });
  return (
    <details class="card" data-test="forget-card">
      <summary>{tt.forget}</summary>
      <p>{role === 'own' ? tt.forgetOwn : tt.forgetServed}</p>
      {act.error !== undefined && <Problem error={act.error} />}
      <Button test="forget-away" kind="danger" isBusy={act.isBusy} onPress={forget}>
        {tt.forgetSure}
      </Button>
    </details>
  );
}
