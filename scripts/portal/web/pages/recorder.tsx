import '../recorder-view.js';
import { useEffect, useState } from 'preact/hooks';
import { Empty } from '../parts/basics.js';
import { Forget } from '../parts/forget.js';
import { lazy } from '../parts/lazy.js';
import { OwnerNotices } from '../parts/owner-notices.js';
import { RECORDER_PAGES, type RecorderPage } from '../parts/recorder-pages.js';
import { Reachability, RecorderNav, Shell } from '../parts/shell.js';
import { tr } from '../recorder-texts.js';
import { href, type Path } from '../router.js';
import { useApp } from '../state/context.js';
import { RecorderSession, type Role } from '../state/recorder-session.js';
import { tt } from '../trust-words.js';
import { t } from '../words.js';
import { AskPage } from './ask.js';
import { CamerasPage } from './cameras.js';
import { HealthPage } from './health.js';
import { OwnerPermissionsPage } from './permissions.js';
import { SettingsPage } from './settings.js';
import { SitePage } from './site.js';

/** The log and all about it in one piece: most looks at a recorder need none of it. */
const ActivityPage = lazy(async () => (await import('./activity.js')).ActivityPage);
const cameraPages = () => import('./camera-pages.js');
const AddCameras = lazy(async () => (await cameraPages()).AddCameras);
const CameraPage = lazy(async () => (await cameraPages()).CameraPage);
const FootagePage = lazy(async () => (await import('./footage.js')).FootagePage);
const ownership = () => import('./ownership.js');
const DevicesPage = lazy(async () => (await ownership()).DevicesPage);
const HandOverPage = lazy(async () => (await ownership()).HandOverPage);

const TITLES: Record<RecorderPage, string> = {
  site: t.navSite,
  cameras: t.navCameras,
  permissions: t.navPermissions,
  activity: t.navActivity,
  health: t.navHealth,
  settings: t.navSettings,
};

/** Pages within others that have a title of their own. */
const INNER: Readonly<Record<string, string>> = {
  'settings devices': tt.devicesTitle,
  'settings hand-over': tt.handOverTitle,
  'cameras add': tr.camerasAdd,
};

interface ContentProps {
  readonly session: RecorderSession;
  readonly page: RecorderPage;
  readonly rest: Path;
}

function Content({ session, page, rest }: ContentProps) {
  const [detail] = rest;
  switch (page) {
    case 'site':
      return <SitePage session={session} />;
    case 'cameras':
      if (detail === undefined) return <CamerasPage session={session} />;
      if (detail === 'add') return <AddCameras session={session} />;
      if (rest[1] === 'footage') return <FootagePage key={detail} session={session} cam={detail} />;
      return <CameraPage key={detail} session={session} cam={detail} />;
    case 'permissions':
      return session.role === 'own' ? <OwnerPermissionsPage session={session} /> : <AskPage session={session} wanted={detail} />;
    case 'activity':
      return <ActivityPage session={session} only={detail} />;
    case 'health':
      return <HealthPage session={session} />;
    case 'settings':
      if (session.role === 'own' && detail === 'devices') return <DevicesPage session={session} />;
      if (session.role === 'own' && detail === 'hand-over') return <HandOverPage session={session} />;
      return <SettingsPage session={session} focus={detail} />;
  }
}

/** A page with what its owner must know above it. */
function Noticed({ session, page, rest }: ContentProps) {
  const content = <Content key={page} session={session} page={page} rest={rest} />;
  if (session.role !== 'own') return content;
  return (
    <OwnerNotices session={session} page={rest[0] ?? page}>
      {content}
    </OwnerNotices>
  );
}

/** The pages of one recorder: opens it once and keeps it open while a person moves between them. */
export function RecorderPages({ as: role, serial, rest }: { readonly as: Role; readonly serial: string; readonly rest: Path }) {
  const app = useApp();
  const record = (role === 'own' ? app.owned.value : app.served.value).find((one) => one.serial === serial);
  // Another key of ours is another session; what is learnt of the recorder meanwhile (its name, its key) is not.
  const ownKey = record !== undefined && 'publicKey' in record ? record.publicKey.x : null;
  const [session, setSession] = useState<RecorderSession>();
  useEffect(() => {
    if (record === undefined) return undefined;
    const opened = RecorderSession.open(app, role, record);
    setSession(opened);
    return () => opened.close();
  }, [role, serial, ownKey, record === undefined]);

  const [first = 'site', ...details] = rest;
  const page = RECORDER_PAGES.find((name) => name === first);
  const back = { to: href(role), label: t.backToList };
  if (record === undefined || page === undefined) {
    return (
      <Shell title={t.notFound} back={back}>
        <Empty title={t.notFoundFix} />
      </Shell>
    );
  }
  const current = session !== undefined && session.serial === serial && session.role === role ? session : undefined;
  const inner = details[0] !== undefined && (page === 'cameras' || `${page} ${details[0]}` in INNER) ? page : undefined;
  const camera = details[1] === 'footage' ? details[0] : undefined;
  const up = camera === undefined ? { path: [], label: inner && TITLES[inner] } : { path: [camera], label: tr.camUnnamed(camera) };
  const inside = inner === undefined || up.label === undefined ? back : { to: href(role, serial, inner, ...up.path), label: up.label };
  return (
    <Shell
      title={details[1] === 'footage' ? tr.camRecordings : (INNER[`${page} ${details[0]}`] ?? TITLES[page])}
      subtitle={`${record.site ?? t.serveUnnamed} · ${serial}`}
      back={inside}
      nav={current !== undefined ? <RecorderNav session={current} current={page} /> : undefined}
    >
      {current !== undefined && <Reachability session={current} />}
      {current !== undefined && current.status.value !== undefined && <Noticed session={current} page={page} rest={details} />}
      {current !== undefined && <Forget key={`${role} ${serial}`} session={current} />}
    </Shell>
  );
}
