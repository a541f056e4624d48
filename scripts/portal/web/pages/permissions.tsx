import { useState } from 'preact/hooks';
import type { AnswerOf } from '../../../../agent/contract/operations.js';
import type { GrantState } from '../../../../agent/contract/views.js';
import { ago, moment, secondsAfterPress } from '../format.js';
import { describeHours } from '../hours.js';
import type { Named } from '../names.js';
import { ApplicationCard } from '../parts/application-card.js';
import { Button, Card, Done, LevelIcon, Problem } from '../parts/basics.js';
import { Loaded } from '../parts/loaded.js';
import { describeScopes } from '../permission-parts.js';
import { useApp } from '../state/context.js';
import { type Withdrawn, withdraw } from '../state/owner-acts.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { useAnswer } from '../state/use-answer.js';
import { t } from '../words.js';

type Permissions = AnswerOf<'permissions.list'>;

/** The owner's page: who asks, who may do what until when, and taking it back. */
export function OwnerPermissionsPage({ session }: { readonly session: RecorderSession }) {
  const app = useApp();
  const permissions = useAnswer(session, 'permissions.list', {}, { on: ['permissions'], everyMs: 30_000 });
  const site = useAnswer(session, 'site.get', {}, { on: ['cameras', 'config'] });
  const cameras = site.data?.cameras ?? [];
  const [news, setNews] = useState<string>();
  const waiting = app.owned.value.find((one) => one.serial === session.serial)?.waiting ?? null;
  return (
    <>
      <div aria-live="polite">{news !== undefined && <Done test="permission-news">{news}</Done>}</div>
      {waiting !== null && (
        <div class="banner" role="status" data-test="withdraw-waiting" data-at-relay={waiting.isAtRelay}>
          <strong>{waiting.isAtRelay ? t.permWaiting : t.permWaitingHere}</strong>
          <p>{t.permWaitingFix}</p>
        </div>
      )}
      <Loaded answer={permissions} lines={5}>
        {(data) => (
          <>
            <Applications session={session} permissions={data} cameras={cameras} onNews={setNews} onChange={permissions.reload} />
            <InForce session={session} permissions={data} cameras={cameras} onNews={setNews} onChange={permissions.reload} />
            <Past grants={data.grants.filter((grant) => grant.state !== 'in-force')} cameras={cameras} />
          </>
        )}
      </Loaded>
    </>
  );
}

interface PartProps {
  readonly session: RecorderSession;
  readonly permissions: Permissions;
  readonly cameras: readonly Named[];
  onNews(sentence: string | undefined): void;
  onChange(): void;
}

function Applications({ session, permissions, cameras, onNews, onChange }: PartProps) {
  if (permissions.applications.length === 0) return null;
  return (
    <section data-test="applications">
      <h2>{t.permRequests}</h2>
      {permissions.applications.map((application) => (
        <ApplicationCard
          key={application.id}
          session={session}
          permissions={permissions}
          application={application}
          cameras={cameras}
          onDecided={(sentence) => {
            onNews(sentence);
            onChange();
          }}
        />
      ))}
    </section>
  );
}

/** An order that waits stands in its banner. */
function stoppedSentence(outcome: Withdrawn): string | undefined {
  if (outcome.kind === 'waiting') return undefined;
  return outcome.closed === 0 ? t.permStoppedNobody : t.permStopped(secondsAfterPress(outcome.roundTripMs, outcome.lastMediaMs));
}

function inForceSentence(grant: GrantState, cameras: readonly Named[], now: number): string {
  const sentence = t.permUntil(grant.org.name, describeScopes(grant.scopes, grant.cams, cameras), moment(grant.exp, now));
  const hours = describeHours(grant.hours);
  return hours === undefined ? sentence : t.permAtHours(sentence, hours);
}

function InForce({ session, permissions, cameras, onNews, onChange }: PartProps) {
  const app = useApp();
  const act = useAct();
  const [busyId, setBusyId] = useState<string>();
  const inForce = permissions.grants.filter((grant) => grant.state === 'in-force');
  const stop = (ids: readonly string[] | 'all', busy: string): void => {
    setBusyId(busy);
    onNews(undefined);
    act.run(async () => {
      onNews(stoppedSentence(await withdraw(app, session, permissions, ids)));
      onChange();
    });
  };
  return (
    <Card title={t.permInForce} test="grants">
      {!inForce.some((grant) => grant.scopes.includes('live-view')) && (
        <p data-test="nobody-can-watch">
          <LevelIcon level="ok" /> <strong>{t.permNobodyWatch}</strong> {t.permNobodyWatchHint}
        </p>
      )}
      <ul class="list">
        {inForce.map((grant) => (
          <li key={grant.id} class="row" data-test="grant" data-grant={grant.id}>
            <span>{inForceSentence(grant, cameras, permissions.now)}</span>
            <Button
              test="stop"
              kind="danger"
              isBusy={act.isBusy && busyId === grant.id}
              busyText={t.permStopping}
              onPress={() => stop([grant.id], grant.id)}
            >
              {t.permStop}
            </Button>
          </li>
        ))}
      </ul>
      {act.error !== undefined && <Problem error={act.error} test="stop-problem" />}
      <StopAll
        isBusy={act.isBusy && busyId === 'all'}
        isOffered={inForce.length > 0 || permissions.applications.length > 0}
        onStop={() => stop('all', 'all')}
      />
    </Card>
  );
}

/** Two presses on the same spot, the second with other words: quick in need, and not by mistake. */
function StopAll({ isBusy, isOffered, onStop }: { readonly isBusy: boolean; readonly isOffered: boolean; onStop(): void }) {
  const [isAsked, setAsked] = useState(false);
  if (!isOffered) return null;
  return (
    <div class="actions actions-apart">
      {isAsked || isBusy ? (
        <>
          <Button
            test="stop-all-sure"
            kind="danger"
            isBusy={isBusy}
            busyText={t.permStopping}
            onPress={() => {
              setAsked(false);
              onStop();
            }}
          >
            {t.permStopAllSure}
          </Button>
          <Button test="stop-all-cancel" onPress={() => setAsked(false)}>
            {t.cancel}
          </Button>
        </>
      ) : (
        <Button test="stop-all" kind="danger" onPress={() => setAsked(true)}>
          {t.permStopAll}
        </Button>
      )}
      <p class="hint">{t.permStopAllHint}</p>
    </div>
  );
}

function Past({ grants, cameras }: { readonly grants: readonly GrantState[]; readonly cameras: readonly Named[] }) {
  const { now } = useApp();
  if (grants.length === 0) return null;
  return (
    <details class="card" data-test="past-grants">
      <summary>{t.permPast}</summary>
      <ul class="list">
        {grants.map((grant) => {
          const when = ago(grant.endedAt ?? grant.exp, now.value);
          const how = grant.state === 'withdrawn' ? t.permWithdrawn(when) : t.permExpired(when);
          return <li key={grant.id}>{t.permEnded(grant.org.name, describeScopes(grant.scopes, grant.cams, cameras), how)}</li>;
        })}
      </ul>
    </details>
  );
}
