import { useState } from 'preact/hooks';
import type { AnswerOf } from '../../../../agent/contract/operations.js';
import { bytes, duration } from '../format.js';
import { tl } from '../log-texts.js';
import { cameraNameOf } from '../names.js';
import { Card, Empty, Select, When } from '../parts/basics.js';
import { Loaded } from '../parts/loaded.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAnswer } from '../state/use-answer.js';

const DAY_MS = 86_400_000;

interface Days {
  readonly fromDay: number | null;
  readonly toDay: number | null;
}

/** Days since 1970 as the recorder counts them (UTC); a month is what one answer holds. */
function daysOf(period: string): Days {
  const now = new Date();
  const today = Math.floor(now.getTime() / DAY_MS);
  if (period === 'week') return { fromDay: today - 6, toDay: today };
  if (period === 'day') return { fromDay: null, toDay: null };
  const first = (months: number): number => Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, 1) / DAY_MS;
  return period === 'month' ? { fromDay: first(0), toDay: today } : { fromDay: first(-1), toDay: first(0) - 1 };
}

function usePeriod(test: string) {
  const [period, setPeriod] = useState('day');
  const choice = <Select test={test} label={tl.periodLabel} value={period} options={Object.entries(tl.periods)} onValue={setPeriod} />;
  return { days: daysOf(period), choice };
}

interface PageProps {
  readonly session: RecorderSession;
}

/** What left the recorder in some days, by kind and place, and who watched or took a copy. */
export function LedgerPage({ session }: PageProps) {
  const { days, choice } = usePeriod('ledger-period');
  const answer = useAnswer(session, 'ledger.get', days);
  const site = useAnswer(session, 'site.get', {});
  return (
    <>
      <p class="hint">{tl.leftIntro}</p>
      {choice}
      <Loaded answer={answer}>
        {({ lines, sessions, isMore }) => (
          <>
            <Sums lines={lines} />
            {sessions.length > 0 && (
              <Card title={tl.leftPictures}>
                <ul class="list" data-test="ledger-pictures">
                  {sessions.map(({ kind = 'live', ...one }) => (
                    <li key={`${one.session} ${one.cam} ${one.endedAt}`} class="row">
                      <span>
                        <strong>{one.who === null ? tl.logErased : (tl.roles[one.who] ?? one.who)}</strong>
                        <span class="hint block">
                          {cameraNameOf(site.data?.cameras ?? [], one.cam)}, {tl.leftPicture[kind]},{' '}
                          {kind !== 'still' && `${duration(one.durationMs)}, `}
                          <When at={one.endedAt} />
                        </span>
                      </span>
                      <span>{bytes(one.bytes)}</span>
                    </li>
                  ))}
                </ul>
                {isMore && <p class="hint">{tl.leftMore}</p>}
              </Card>
            )}
          </>
        )}
      </Loaded>
    </>
  );
}

function Sums({ lines }: Pick<AnswerOf<'ledger.get'>, 'lines'>) {
  const sums = new Map<string, number>();
  let [all, pictures] = [0, 0];
  for (const line of lines) {
    const key = tl.leftLine(tl.leftKinds[line.what] ?? line.what, tl.leftPlaces[line.to] ?? line.to);
    sums.set(key, (sums.get(key) ?? 0) + line.bytes);
    all += line.bytes;
    if (line.what === 'media') pictures += line.bytes;
  }
  if (all === 0) return <Empty title={tl.leftNothing} />;
  return (
    <Card title={tl.leftSum(bytes(all), pictures === 0 ? undefined : bytes(pictures))} test="ledger-sum">
      <ul class="list" data-test="ledger">
        {[...sums]
          .sort((a, b) => b[1] - a[1])
          .map(([key, sum]) => (
            <li key={key} class="row">
              <span>{key}</span>
              <span>{bytes(sum)}</span>
            </li>
          ))}
      </ul>
    </Card>
  );
}

/** Who came in, by which way, how often, and who was turned away. */
export function VisitsPage({ session }: PageProps) {
  const { days, choice } = usePeriod('visits-period');
  const answer = useAnswer(session, 'log.visits', days);
  return (
    <>
      <p class="hint">{tl.visitsIntro}</p>
      {choice}
      <Loaded answer={answer}>
        {({ visits, isMore }) => (
          <>
            {visits.length === 0 && <Empty title={tl.visitsNone} />}
            <ul class="list" data-test="visits">
              {visits.map(({ from, to, who, as, isErased, way, address, acts, refused }) => (
                <li key={`${from} ${as} ${way} ${address}`} class="row" data-test="visit" data-refused={refused}>
                  <span>
                    <strong>{isErased ? tl.logErased : (who?.name ?? tl.roles[as] ?? as)}</strong>
                    <span class="hint block">
                      {tl.ways[way] ?? way}
                      {address !== null && ` (${address.slice(0, 8)})`}, <When at={to} />
                    </span>
                  </span>
                  <span>{tl.visitActs(acts, refused)}</span>
                </li>
              ))}
            </ul>
            {isMore && <p class="hint">{tl.leftMore}</p>}
          </>
        )}
      </Loaded>
    </>
  );
}
