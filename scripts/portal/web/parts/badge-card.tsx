import '../first-view.js';
import { useEffect, useState } from 'preact/hooks';
import { thumbprint } from '../../../../agent/contract/jws.js';
import { newId } from '../../../../agent/contract/text.js';
import { type Published, publishCancellation, signCancellation } from '../../client/cancellation.js';
import { withEmployeeCalledBack } from '../../client/organisation.js';
import { listOf, shortPrint } from '../format.js';
import type { AppState } from '../state/app-state.js';
import { useApp } from '../state/context.js';
import { useAct } from '../state/use-act.js';
import { tt } from '../trust-words.js';
import { t } from '../words.js';
import { Button, Card, Done, Problem } from './basics.js';

/** Calls the employee's badge back at every recorder of this organisation. The number is kept first: no list is ever signed with it twice. */
async function callBack(app: AppState): Promise<Published> {
  const record = app.organisation.value;
  const keys = app.signedIn.value;
  if (record === undefined || keys === undefined) return { told: [], failed: [] };
  const now = Date.now();
  const next = await withEmployeeCalledBack(record, now);
  await app.saveOrganisation(next);
  const key = next.organisationKey.publicKey;
  const list = (next.calledBack ?? []).map(({ kid }) => kid);
  const statement = await signCancellation({ key, signer: keys.organisation }, list, next.cancellations ?? 1, now);
  const serials = app.served.value.map(({ serial }) => serial);
  return publishCancellation(app.services.transport, app.services.tenant, serials, next.letterBox ?? newId(), statement);
}

/** The employee's own badge, and calling it back. */
export function BadgeCard() {
  const app = useApp();
  const [isAsked, setAsked] = useState(false);
  const [outcome, setOutcome] = useState<Published>();
  const act = useAct();
  const run = (): void => {
    setAsked(false);
    act.run(async () => setOutcome(await callBack(app)));
  };
  return (
    <Card title={tt.badgeTitle} test="badge">
      <p class="hint">{tt.badgeIntro}</p>
      <CompanyKey />
      {act.error !== undefined && <Problem error={act.error} />}
      {outcome !== undefined && (
        <Outcome outcome={outcome} isBusy={act.isBusy} onAgain={run} onSignOut={() => void app.setSignedIn(undefined)} />
      )}
      {outcome === undefined && (
        <div class="actions">
          {isAsked || act.isBusy ? (
            <>
              <Button test="badge-call-back-sure" kind="danger" isBusy={act.isBusy} busyText={tt.badgeCalling} onPress={run}>
                {tt.badgeCallBackSure}
              </Button>
              <Button test="badge-cancel" onPress={() => setAsked(false)}>
                {t.cancel}
              </Button>
            </>
          ) : (
            <Button test="badge-call-back" kind="danger" onPress={() => setAsked(true)}>
              {tt.badgeCallBack}
            </Button>
          )}
        </div>
      )}
    </Card>
  );
}

/** What an owner sees beside the company's name, which anybody could write. */
function CompanyKey() {
  const key = useApp().organisation.value?.organisationKey.publicKey;
  const [print, setPrint] = useState<string>();
  useEffect(() => {
    if (key !== undefined) void thumbprint(key).then((text) => setPrint(shortPrint(text)));
  }, [key]);
  return print === undefined ? null : (
    <p class="hint" data-test="company-key">
      {tt.badgeKey(print)}
    </p>
  );
}

interface OutcomeProps {
  readonly outcome: Published;
  readonly isBusy: boolean;
  onAgain(): void;
  onSignOut(): void;
}

function Outcome({ outcome, isBusy, onAgain, onSignOut }: OutcomeProps) {
  return (
    <>
      {outcome.told.length > 0 ? <Done test="badge-told">{tt.badgeTold(outcome.told.length)}</Done> : <p>{tt.badgeToldNobody}</p>}
      {outcome.failed.length > 0 && (
        <p class="field-error" role="alert">
          {tt.badgeFailed(listOf(outcome.failed))}
        </p>
      )}
      <p>{tt.badgeNext}</p>
      <div class="actions">
        <Button test="badge-sign-in" kind="main" onPress={onSignOut}>
          {t.signInDo}
        </Button>
        {outcome.failed.length > 0 && (
          <Button test="badge-again" isBusy={isBusy} busyText={tt.badgeCalling} onPress={onAgain}>
            {tt.badgeRetry}
          </Button>
        )}
      </div>
    </>
  );
}
