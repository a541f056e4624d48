import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { PermissionsInfo } from '../../../../agent/contract/views.js';
import { moment } from '../format.js';
import { go, href } from '../router.js';
import { useApp } from '../state/context.js';
import { agreeAgain, isOpenOffer } from '../state/ownership-acts.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { useAnswer } from '../state/use-answer.js';
import { tt } from '../trust-words.js';
import { Button, ButtonLink, Done, Problem } from './basics.js';
import { ConsentText, operatorName } from './consent-text.js';
import { TakeOfferBack } from './take-offer-back.js';

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
    if (data === undefined || record === undefined) return;
    const offer = record.offer !== undefined && isOpenOffer(record.offer, data) ? record.offer : undefined;
    // A device that joined learns here what the site is called, and everyone that an offer is over.
    if (record.site !== data.site || record.offer !== offer) void app.saveOwned({ ...record, site: data.site, offer });
  }, [data]);
  if (error !== undefined && NOT_OWNER.has(error.code)) return <NotOwner session={session} />;
  return (
    <>
      {data?.role === 'installer' && page !== 'hand-over' && <Held session={session} />}
      {data !== undefined && <ConsentAgain session={session} permissions={data} onAgreed={permissions.reload} />}
      {page === 'site' && <Offered session={session} heard={data} />}
      {data?.isTimeKnown === false && <TimeLost session={session} onTold={permissions.reload} />}
      {children}
    </>
  );
}

interface OfferedProps {
  readonly session: RecorderSession;
  readonly heard: PermissionsInfo | undefined;
}

/** An offer that is still good: whoever holds the other key can take the recorder over at any moment. */
function Offered({ session, heard }: OfferedProps) {
  const app = useApp();
  const [news, setNews] = useState<string>();
  const offer = app.owned.value.find((one) => one.serial === session.serial)?.offer;
  if (news !== undefined) return <Done test="offer-news">{news}</Done>;
  if (offer === undefined || !isOpenOffer(offer, heard)) return null;
  return (
    <section class="banner" data-test="offer-open">
      <strong>{tt.handOpen(moment(offer.exp, app.now.value))}</strong>
      <ButtonLink test="offer-show" to={href('own', session.serial, 'settings', 'hand-over')}>
        {tt.handShow}
      </ButtonLink>
      <TakeOfferBack session={session} onDone={setNews} />
    </section>
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
  const before = app.owned.value.find((one) => one.serial === session.serial)?.before;
  useEffect(() => {
    // The newer key's answer was lost, and it never became the owner's: the one before it is still good.
    if (before !== undefined) void app.saveOwned(before);
  }, [before]);
  if (before !== undefined) return null;
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
        {tt.forget}
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
          <ConsentText isHeld={permissions.role === 'installer'} />
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
