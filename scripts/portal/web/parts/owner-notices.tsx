import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { PermissionsInfo } from '../../../../agent/contract/views.js';
import { go, href } from '../router.js';
import { useApp } from '../state/context.js';
import { agreeAgain } from '../state/ownership-acts.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { useAnswer } from '../state/use-answer.js';
import { tt } from '../trust-words.js';
import { Button, ButtonLink, Problem } from './basics.js';
import { ConsentText, operatorName } from './consent-text.js';

/** Refusals that mean: the recorder does not know this key as its owner's. */
const NOT_OWNER: ReadonlySet<string> = new Set(['permissions.not_owner', 'permissions.no_owner', 'permissions.no_badge']);

interface OwnerNoticesProps {
  readonly session: RecorderSession;
  readonly page: string;
  readonly children: ComponentChildren;
}

/**
 * What an owner must know on every page, above its content: held for somebody, consent out of date, another operator. A recorder that is not
 * theirs any more has no content: every question would only be refused.
 */
export function OwnerNotices({ session, page, children }: OwnerNoticesProps) {
  const app = useApp();
  const permissions = useAnswer(session, 'permissions.list', {}, { on: ['permissions'] });
  const { data, error } = permissions;
  useEffect(() => {
    const record = app.owned.value.find((one) => one.serial === session.serial);
    // A device that joined learns here what the site is called.
    if (data !== undefined && record !== undefined && record.site !== data.site) void app.saveOwned({ ...record, site: data.site });
  }, [data]);
  if (error !== undefined && NOT_OWNER.has(error.code)) return <NotOwner session={session} />;
  return (
    <>
      {data?.role === 'installer' && page !== 'hand-over' && <Held session={session} />}
      {data !== undefined && <ConsentAgain session={session} permissions={data} onAgreed={permissions.reload} />}
      {data?.isTimeKnown === false && <TimeLost session={session} onTold={permissions.reload} />}
      {children}
    </>
  );
}

/** The recorder was without power for long and does not know the time: until the owner tells it, nobody else sees a picture. */
function TimeLost({ session, onTold }: { readonly session: RecorderSession; onTold(): void }) {
  const act = useAct();
  const tell = (): void =>
    act.run(async () => {
      await session.link.call('owner.tell-time', { at: Date.now() });
      onTold();
    });
  return (
    <section class="banner" data-test="time-lost">
      <strong>{tt.timeTitle}</strong>
      <p>{tt.timeText(new Date().toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' }))}</p>
      {act.error !== undefined && <Problem error={act.error} />}
      <Button test="tell-time" kind="main" isBusy={act.isBusy} onPress={tell}>
        {tt.timeDo}
      </Button>
    </section>
  );
}

function Held({ session }: { readonly session: RecorderSession }) {
  return (
    <section class="banner" data-test="installer-held">
      <strong>{tt.heldTitle}</strong>
      <p>{tt.heldText}</p>
      <ButtonLink test="hand-over-now" to={href('own', session.serial, 'settings', 'hand-over')} kind="main">
        {tt.heldDo}
      </ButtonLink>
    </section>
  );
}

function NotOwner({ session }: { readonly session: RecorderSession }) {
  const app = useApp();
  const act = useAct();
  const forget = (): void =>
    act.run(async () => {
      await app.removeOwned(session.serial);
      go('own');
    });
  return (
    <section class="banner" data-test="not-owner">
      <strong>{tt.notOwnerTitle}</strong>
      <p>{tt.notOwnerText}</p>
      {act.error !== undefined && <Problem error={act.error} />}
      <Button test="forget" isBusy={act.isBusy} onPress={forget}>
        {tt.notOwnerForget}
      </Button>
    </section>
  );
}

/** Whether two operators are the same to an owner: name, region and host. */
export function isSameOperator(a: PermissionsInfo['operator'], b: PermissionsInfo['operator']): boolean {
  return a?.name === b?.name && a?.region === b?.region && a?.host === b?.host;
}

interface ConsentAgainProps {
  readonly session: RecorderSession;
  readonly permissions: PermissionsInfo;
  onAgreed(): void;
}

/** A changed text or operator, and agreeing to it. Shown as agreed when the recorder says so. */
function ConsentAgain({ session, permissions, onAgreed }: ConsentAgainProps) {
  const app = useApp();
  const [isOpen, setOpen] = useState(false);
  const act = useAct();
  const { consent, operator } = permissions;
  const isOther = operator !== null && !isSameOperator(consent.operator, operator);
  if (!isOther && !consent.isStale) return null;
  const agree = (): void =>
    act.run(async () => {
      await agreeAgain(app, session, permissions);
      onAgreed();
    });
  return (
    <section class="banner" data-test={isOther ? 'other-operator' : 'consent-stale'}>
      <strong>{isOther ? tt.operatorTitleOther : tt.staleTitle}</strong>
      <p>{isOther ? tt.operatorOther(operatorName(operator), operatorName(consent.operator)) : tt.staleText}</p>
      {isOpen ? (
        <>
          <ConsentText />
          {act.error !== undefined && <Problem error={act.error} />}
          <div class="actions">
            <Button test="agree-again-do" kind="main" isBusy={act.isBusy} busyText={tt.consentAgreeing} onPress={agree}>
              {tt.consentAgree}
            </Button>
          </div>
          <p>{tt.consentNothing}</p>
        </>
      ) : (
        <Button test="agree-again" onPress={() => setOpen(true)}>
          {tt.consentShow}
        </Button>
      )}
    </section>
  );
}
