import '../recorder-view.js';
import { useState } from 'preact/hooks';
import type { AnswerOf } from '../../../../agent/contract/operations.js';
import type { LogRow } from '../../../../agent/contract/views.js';
import { tl } from '../log-texts.js';
import { foldRows, type LogEntry } from '../log-words.js';
import type { Named } from '../names.js';
import { Button, ButtonLink, Empty, type Level, LevelIcon, Problem, Select, When } from '../parts/basics.js';
import { Loaded } from '../parts/loaded.js';
import { LogWitness } from '../parts/log-witness.js';
import { go, href } from '../router.js';
import { useApp } from '../state/context.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { useAnswer } from '../state/use-answer.js';
import { tt } from '../trust-words.js';
import { t } from '../words.js';
import { CarePage } from './log-care.js';
import { LedgerPage, VisitsPage } from './log-views.js';

const PAGE = 50;
type Log = AnswerOf<'log.list'>;
/** What else can be asked of the log. */
const INNER: Readonly<Record<string, typeof CarePage>> = { left: LedgerPage, visits: VisitsPage, care: CarePage };
const LEVELS: Record<LogEntry['result'], Level> = { ok: 'ok', refused: 'attention', failed: 'act', open: 'attention' };

/** The operation log: who did what, when, and how it ended; all of it, one kind (`only`: `security`, `live` ...), or what else it answers. */
export function ActivityPage({ session, only }: { readonly session: RecorderSession; readonly only: string | undefined }) {
  const Inner = INNER[only ?? ''];
  if (Inner !== undefined) {
    return (
      <>
        <ButtonLink test="log-all" to={href('own', session.serial, 'activity')}>
          {tl.logAll}
        </ButtonLink>
        <Inner session={session} />
      </>
    );
  }
  const action = only !== undefined && Object.hasOwn(tt.filters, `${only}.`) ? `${only}.` : '';
  return (
    <>
      <p class="hint">{tl.logIntro}</p>
      <LogWitness session={session} />
      <Doors session={session} />
      <Select
        test="log-filter"
        label={tt.filterLabel}
        value={action}
        options={Object.entries(tt.filters)}
        onValue={(value) => go('own', session.serial, 'activity', ...(value === '' ? [] : [value.slice(0, -1)]))}
      />
      <LogList key={action} session={session} action={action} />
    </>
  );
}

/** Ways to what else can be asked of the log. The page that verifies exports needs no recorder; only the portal has it. */
function Doors({ session }: { readonly session: RecorderSession }) {
  const { services } = useApp();
  return (
    <div class="actions">
      {Object.entries(tl.logPages).map(([page, title]) => (
        <ButtonLink key={page} test={`log-${page}`} to={href('own', session.serial, 'activity', page)}>
          {title}
        </ButtonLink>
      ))}
      {services.onSite === undefined && (
        <ButtonLink test="log-verify" to="/verify.html">
          {tl.logVerify}
        </ButtonLink>
      )}
    </div>
  );
}

interface LogListProps {
  readonly session: RecorderSession;
  readonly action: string;
}

const filterOf = (action: string): { action?: string } => (action === '' ? {} : { action });

function LogList({ session, action }: LogListProps) {
  const newest = useAnswer(
    session,
    'log.list',
    { beforeSeq: null, limit: PAGE, ...filterOf(action) },
    { on: ['permissions', 'cameras', 'config', 'security'], everyMs: 15_000 },
  );
  const site = useAnswer(session, 'site.get', {}, { on: ['cameras', 'config'] });
  const [older, setOlder] = useState<readonly Log[]>([]);
  return (
    <Loaded answer={newest} lines={8}>
      {(first) => (
        <>
          <Entries pages={[first, ...older]} cameras={site.data?.cameras ?? []} emptyText={action === '' ? tl.logEmpty : tt.filterEmpty} />
          <Older session={session} action={action} pages={[first, ...older]} onPage={(page) => setOlder((before) => [...before, page])} />
          <p class="code" data-test="log-head">
            {tl.logHead(first.size, first.head.slice(0, 16))}
            {first.checkpoint !== null && `, ${tl.logHeadSigned}`}
          </p>
        </>
      )}
    </Loaded>
  );
}

/** Pages overlap when new entries came in between; each entry is shown once. */
function uniqueRows(pages: readonly Log[]): LogRow[] {
  return [...new Map(pages.flatMap((page) => page.rows).map((row) => [row.seq, row])).values()];
}

interface EntriesProps {
  readonly pages: readonly Log[];
  readonly cameras: readonly Named[];
  readonly emptyText: string;
}

function Entries({ pages, cameras, emptyText }: EntriesProps) {
  const organisations = Object.assign({}, ...pages.map((page) => page.organisations)) as Record<string, string>;
  const entries = foldRows(uniqueRows(pages), cameras, organisations);
  if (entries.length === 0) return <Empty title={emptyText} />;
  return (
    <table class="log" data-test="log">
      <thead>
        <tr>
          <th scope="col">{tl.logWhen}</th>
          <th scope="col">{tl.logWho}</th>
          <th scope="col">{tl.logWhat}</th>
          <th scope="col">{tl.logResult}</th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <tr key={entry.seq} data-test="log-row" data-action={entry.row.action} data-result={entry.result} data-seq={entry.seq}>
            <td class="log-when">
              <When at={entry.row.at} />
            </td>
            <td class="log-who">{entry.who}</td>
            <td class="log-what">
              {entry.what}
              {entry.lines.length > 0 && (
                <details>
                  <summary>{tl.gearReceipt}</summary>
                  <pre>{entry.lines.join('\n')}</pre>
                </details>
              )}
            </td>
            <td class="log-result">
              <LevelIcon level={LEVELS[entry.result]} /> {entry.resultText}
              {entry.code !== null && <span class="code"> {entry.code}</span>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface OlderProps extends LogListProps {
  readonly pages: readonly Log[];
  onPage(page: Log): void;
}

function Older({ session, action, pages, onPage }: OlderProps) {
  const act = useAct();
  const rows = uniqueRows(pages);
  const oldest = Math.min(...rows.map((row) => row.seq));
  if (rows.length === 0 || oldest <= 1 || (pages.at(-1)?.rows.length ?? 0) === 0) return null;
  return (
    <>
      {act.error !== undefined && <Problem error={act.error} />}
      <Button
        test="log-older"
        isBusy={act.isBusy}
        busyText={t.loading}
        onPress={() =>
          act.run(async () => onPage(await session.link.call('log.list', { beforeSeq: oldest, limit: PAGE, ...filterOf(action) })))
        }
      >
        {tl.logOlder}
      </Button>
    </>
  );
}
