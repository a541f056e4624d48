import { useState } from 'preact/hooks';
import { SCOPES, type Scope } from '../../../../agent/contract/shapes.js';
import { organisationOf } from '../../client/organisation.js';
import { ago, duration, moment } from '../format.js';
import { Button, Card, Check, Done, Field, Problem, Select } from '../parts/basics.js';
import { describeScopes, isLease, LEASE_DURATIONS, LONG_DURATIONS, nearestDuration } from '../permission-parts.js';
import { useApp } from '../state/context.js';
import type { Permissions, RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { t } from '../words.js';

/** Scopes that the recorder can act on today. */
const ASKABLE: readonly Scope[] = ['site-information', 'live-view', 'ptz', 'health', 'remote-configuration'];
const DEFAULT_MS = 3_600_000;

/** The installer's page: what is allowed, what was asked, and asking. `wanted` is what a page before found missing. */
export function AskPage({ session, wanted }: { readonly session: RecorderSession; readonly wanted: string | undefined }) {
  const mine = session.permissions.value;
  const error = session.permissionsError.value;
  return (
    <>
      {error !== undefined && <Problem error={error} onRetry={() => void session.refreshPermissions()} />}
      {mine !== undefined && <Mine permissions={mine} />}
      {error?.code !== 'permissions.no_owner' && (
        <AskForm key={wanted ?? ''} session={session} wanted={SCOPES.find((scope) => scope === wanted)} />
      )}
    </>
  );
}

const inWords = (scopes: readonly Scope[], cams: readonly string[] | null): string => describeScopes(scopes, cams, []);

function Mine({ permissions }: { readonly permissions: Permissions }) {
  const { now } = useApp();
  const inForce = permissions.grants.filter((grant) => grant.state === 'in-force');
  const ended = permissions.grants.filter((grant) => grant.state !== 'in-force');
  return (
    <>
      <Card title={t.mineTitle} test="mine">
        {inForce.length === 0 && <p data-test="mine-none">{t.mineNone}</p>}
        <ul class="list">
          {inForce.map((grant) => (
            <li key={grant.id} data-test="mine-grant">
              {t.mineGrant(inWords(grant.scopes, grant.cams), moment(grant.exp, permissions.now))}
            </li>
          ))}
        </ul>
      </Card>
      {permissions.pending.length > 0 && (
        <Card title={t.minePending} test="pending">
          <ul class="list">
            {permissions.pending.map((application) => (
              <li key={application.id} data-test="pending-application">
                {t.askPending(inWords(application.scopes, null), ago(application.at, now.value))}
              </li>
            ))}
          </ul>
        </Card>
      )}
      {ended.length + permissions.declined.length > 0 && (
        <details class="card" data-test="mine-past">
          <summary>{t.minePast}</summary>
          <ul class="list">
            {permissions.declined.map(({ id, at }) => (
              <li key={id} data-test="declined">
                {t.askDeclined(ago(at, now.value))}
              </li>
            ))}
            {ended.map((grant) => {
              const words = [inWords(grant.scopes, grant.cams), ago(grant.endedAt ?? grant.exp, now.value)] as const;
              return <li key={grant.id}>{grant.state === 'withdrawn' ? t.mineWithdrawn(...words) : t.mineExpired(...words)}</li>;
            })}
          </ul>
        </details>
      )}
    </>
  );
}

interface ScopeChecksProps {
  readonly scopes: ReadonlySet<Scope>;
  onToggle(scope: Scope, isChosen: boolean): void;
}

function ScopeChecks({ scopes, onToggle }: ScopeChecksProps) {
  return (
    <fieldset class="part">
      <legend>{t.askScopes}</legend>
      {ASKABLE.map((scope) => (
        <Check
          key={scope}
          test={`ask-scope-${scope}`}
          label={t.scopeName[scope]}
          isChecked={scopes.has(scope)}
          onChange={(isChosen) => onToggle(scope, isChosen)}
        />
      ))}
    </fieldset>
  );
}

function AskForm({ session, wanted }: { readonly session: RecorderSession; readonly wanted: Scope | undefined }) {
  const { organisation } = useApp();
  const [scopes, setScopes] = useState<ReadonlySet<Scope>>(
    new Set<Scope>(wanted === undefined ? ['site-information'] : ['site-information', wanted]),
  );
  const [durationMs, setDurationMs] = useState(DEFAULT_MS);
  const [note, setNote] = useState('');
  const [isSent, setSent] = useState(false);
  const [isTried, setTried] = useState(false);
  const act = useAct();
  const chosen = ASKABLE.filter((scope) => scopes.has(scope));
  const durations = chosen.some(isLease) ? LEASE_DURATIONS : LONG_DURATIONS;
  const toggle = (scope: Scope, isChosen: boolean): void => {
    const next = new Set(scopes);
    if (isChosen) next.add(scope);
    else next.delete(scope);
    setScopes(next);
    setSent(false);
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    setTried(true);
    const record = organisation.value;
    if (chosen.length === 0 || record === undefined) return;
    act.run(async () => {
      const args = { org: organisationOf(record), scopes: chosen, cams: null, durationMs: nearestDuration(durations, durationMs) };
      await session.link.call('permissions.apply', { ...args, note: note.trim() });
      setSent(true);
      setNote('');
      await session.refreshPermissions();
    });
  };
  return (
    <form class="card form" noValidate data-test="ask" onSubmit={submit}>
      <h2>{t.askTitle}</h2>
      <p>{t.askIntro}</p>
      <ScopeChecks scopes={scopes} onToggle={toggle} />
      {isTried && chosen.length === 0 && (
        <p class="field-error" role="alert">
          {t.askNothing}
        </p>
      )}
      <Select
        test="ask-duration"
        label={t.askHowLong}
        value={String(nearestDuration(durations, durationMs))}
        options={durations.map((ms) => [String(ms), duration(ms)])}
        onValue={(value) => setDurationMs(Number(value))}
      />
      <Field test="ask-note" label={t.askNote} hint={t.askNoteHint} value={note} maxLength={300} onValue={setNote} />
      {act.error !== undefined && <Problem error={act.error} test="ask-problem" />}
      {isSent && <Done test="ask-sent">{t.askSent}</Done>}
      <Button test="ask-do" kind="main" isBusy={act.isBusy} busyText={t.askDoing}>
        {t.askDo}
      </Button>
    </form>
  );
}
