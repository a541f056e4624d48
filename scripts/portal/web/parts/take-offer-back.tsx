import { useApp } from '../state/context.js';
import { takeOfferBack } from '../state/ownership-acts.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { tt } from '../trust-words.js';
import { Button, Problem } from './basics.js';

interface TakeOfferBackProps {
  readonly session: RecorderSession;
  onDone(sentence: string): void;
}

/** Makes every open offer worth nothing. */
export function TakeOfferBack({ session, onDone }: TakeOfferBackProps) {
  const app = useApp();
  const act = useAct();
  const takeBack = (): void =>
    act.run(async () => {
      const outcome = await takeOfferBack(app, session);
      onDone(outcome.kind === 'done' ? tt.handBacked : outcome.isAtRelay ? tt.handBackWaits : tt.handBackWaitsHere);
    });
  return (
    <div class="actions actions-apart">
      {act.error !== undefined && <Problem error={act.error} test="hand-over-problem" />}
      <Button test="offer-back" kind="danger" isBusy={act.isBusy} busyText={tt.handBacking} onPress={takeBack}>
        {tt.handBack}
      </Button>
      <p class="hint">{tt.handBackHint}</p>
    </div>
  );
}
