import type { LogPage, PermissionsInfo, SiteInfo } from '../../../../agent/contract/views.js';
import { moment } from '../format.js';
import { cameraNameOf } from '../names.js';
import { ButtonLink, Card, Facts, LevelIcon, Verdict, When } from '../parts/basics.js';
import { CameraList } from '../parts/camera-list.js';
import { Loaded } from '../parts/loaded.js';
import { SiteLetterCard } from '../parts/site-letter-card.js';
import { Wall } from '../parts/wall.js';
import { tr } from '../recorder-texts.js';
import { href } from '../router.js';
import { siteVerdict } from '../site-verdict.js';
import { useApp } from '../state/context.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAnswer } from '../state/use-answer.js';
import { tt } from '../trust-words.js';
import { t } from '../words.js';

/** Who watches and what a recorder says of itself change without a counter. */
const FRESH_MS = 10_000;
const WEEK_MS = 7 * 86_400_000;

/** How the site is, what needs a decision, who is watching, and the cameras. */
export function SitePage({ session }: { readonly session: RecorderSession }) {
  if (session.role === 'serve' && session.status.value?.state === 'offline') return <SiteLetterCard session={session} />;
  return (
    <Wall session={session} scope="site-information">
      <Site session={session} />
    </Wall>
  );
}

function Site({ session }: { readonly session: RecorderSession }) {
  const isOwner = session.role === 'own';
  const site = useAnswer(session, 'site.get', {}, { on: ['cameras', 'config', 'permissions'], everyMs: FRESH_MS });
  const health = useAnswer(session, 'health.get', { sinceMs: 0 }, { on: ['cameras'], everyMs: 30_000, isWanted: session.may('health') });
  const permissions = useAnswer(session, 'permissions.list', {}, { on: ['permissions'], isWanted: isOwner });
  const wanted = { beforeSeq: null, limit: 20, action: 'security.' };
  const security = useAnswer(session, 'log.list', wanted, { on: ['security'], isWanted: isOwner });
  const verdict = session.isReachable ? siteVerdict(site.data, health.data) : undefined;
  return (
    <>
      {verdict !== undefined && <Verdict level={verdict.level} sentence={verdict.sentence} />}
      {isOwner && permissions.data !== undefined && (
        <NeedsYou session={session} permissions={permissions.data} security={recentCount(security.data)} />
      )}
      <Loaded answer={site} lines={5}>
        {(data) => (
          <>
            <Watching site={data} />
            <Card title={t.navCameras}>
              <CameraList session={session} cameras={data.cameras} />
            </Card>
            <RecorderFacts site={data} />
          </>
        )}
      </Loaded>
    </>
  );
}

/** Security rows of the last week. */
function recentCount(log: LogPage | undefined): number {
  return log?.rows.filter((row) => row.at > Date.now() - WEEK_MS).length ?? 0;
}

interface NeedsYouProps {
  readonly session: RecorderSession;
  readonly permissions: PermissionsInfo;
  readonly security: number;
}

function NeedsYou({ session, permissions, security }: NeedsYouProps) {
  const { applications } = permissions;
  return (
    <Card title={tr.siteNeedsYou} test="needs-you">
      {applications.length + security === 0 ? (
        <p>{tr.siteNothing}</p>
      ) : (
        <ul class="list">
          {applications.map((application) => (
            <li key={application.id} class="row">
              <span>{tr.siteRequest(application.org.name)}</span>
              <ButtonLink test="decide" to={href(session.role, session.serial, 'permissions')} kind="main">
                {tr.siteDecide}
              </ButtonLink>
            </li>
          ))}
          {security > 0 && (
            <li class="row" data-test="security-news">
              <span>
                <LevelIcon level="attention" /> {tt.securityNews(security)}
              </span>
              <ButtonLink test="security-look" to={href(session.role, session.serial, 'activity', 'security')}>
                {tt.securityLook}
              </ButtonLink>
            </li>
          )}
        </ul>
      )}
    </Card>
  );
}

function Watching({ site }: { readonly site: SiteInfo }) {
  const { now } = useApp();
  return (
    <Card title={tr.siteWatching} test="watching">
      {site.watching.length === 0 ? (
        <p>{tr.siteNobody}</p>
      ) : (
        <ul class="list">
          {site.watching.map(({ session, who, organisation, cam, since }) => {
            const camera = cameraNameOf(site.cameras, cam);
            return (
              <li key={session} data-test="watcher">
                {organisation === null ? tr.siteWatches(who, camera) : tr.siteWatchesFor(who, organisation, camera)},{' '}
                {tr.siteSince(moment(since, now.value))}
              </li>
            );
          })}
        </ul>
      )}
    </Card>
  );
}

function RecorderFacts({ site }: { readonly site: SiteInfo }) {
  return (
    <Card title={tr.siteFacts}>
      <Facts
        rows={[
          [tr.setRecorderName, site.recorderName, 'recorder-name'],
          ...(site.model === '' ? [] : [[tr.siteModel, site.model] as const]),
          [tr.siteSerial, <span class="mono">{site.serial}</span>],
          [tr.siteVersion, site.version],
          [tr.siteStarted, <When at={site.startedAt} />],
        ]}
      />
    </Card>
  );
}
