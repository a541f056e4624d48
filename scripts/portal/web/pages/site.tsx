import type { PermissionsInfo, SiteInfo } from '../../../../agent/contract/views.js';
import { moment } from '../format.js';
import { cameraNameOf } from '../names.js';
import { ButtonLink, Card, Facts, Verdict, When } from '../parts/basics.js';
import { CameraList } from '../parts/camera-list.js';
import { Loaded } from '../parts/loaded.js';
import { Wall } from '../parts/wall.js';
import { href } from '../router.js';
import { siteVerdict } from '../site-verdict.js';
import { useApp } from '../state/context.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAnswer } from '../state/use-answer.js';
import { t } from '../words.js';

/** Who watches and what a recorder says of itself change without a counter. */
const FRESH_MS = 10_000;

/** How the site is, what needs a decision, who is watching, and the cameras. */
export function SitePage({ session }: { readonly session: RecorderSession }) {
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
  const verdict = session.isReachable ? siteVerdict(site.data, health.data) : undefined;
  return (
    <>
      {verdict !== undefined && <Verdict level={verdict.level} sentence={verdict.sentence} />}
      {isOwner && permissions.data !== undefined && <NeedsYou session={session} permissions={permissions.data} />}
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

function NeedsYou({ session, permissions }: { readonly session: RecorderSession; readonly permissions: PermissionsInfo }) {
  const { applications } = permissions;
  return (
    <Card title={t.siteNeedsYou} test="needs-you">
      {applications.length === 0 ? (
        <p>{t.siteNothing}</p>
      ) : (
        <ul class="list">
          {applications.map((application) => (
            <li key={application.id} class="row">
              <span>{t.siteRequest(application.org.name)}</span>
              <ButtonLink test="decide" to={href(session.role, session.serial, 'permissions')} kind="main">
                {t.siteDecide}
              </ButtonLink>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function Watching({ site }: { readonly site: SiteInfo }) {
  const { now } = useApp();
  return (
    <Card title={t.siteWatching} test="watching">
      {site.watching.length === 0 ? (
        <p>{t.siteNobody}</p>
      ) : (
        <ul class="list">
          {site.watching.map(({ session, who, organisation, cam, since }) => {
            const camera = cameraNameOf(site.cameras, cam);
            return (
              <li key={session} data-test="watcher">
                {organisation === null ? t.siteWatches(who, camera) : t.siteWatchesFor(who, organisation, camera)},{' '}
                {t.siteSince(moment(since, now.value))}
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
    <Card title={t.siteFacts}>
      <Facts
        rows={[
          [t.setRecorderName, site.recorderName, 'recorder-name'],
          ...(site.model === '' ? [] : [[t.siteModel, site.model] as const]),
          [t.siteSerial, <span class="mono">{site.serial}</span>],
          [t.siteVersion, site.version],
          [t.siteStarted, <When at={site.startedAt} />],
        ]}
      />
    </Card>
  );
}
