import { useEffect, useState } from 'preact/hooks';
import { Empty } from '../parts/basics.js';
import { RECORDER_PAGES, type RecorderPage } from '../parts/recorder-pages.js';
import { Reachability, RecorderNav, Shell } from '../parts/shell.js';
import { href, type Path } from '../router.js';
import { useApp } from '../state/context.js';
import { RecorderSession, type Role } from '../state/recorder-session.js';
import { t } from '../words.js';
import { ActivityPage } from './activity.js';
import { AskPage } from './ask.js';
import { CameraPage } from './camera.js';
import { CamerasPage } from './cameras.js';
import { HealthPage } from './health.js';
import { OwnerPermissionsPage } from './permissions.js';
import { SettingsPage } from './settings.js';
import { SitePage } from './site.js';

const TITLES: Record<RecorderPage, string> = {
  site: t.navSite,
  cameras: t.navCameras,
  permissions: t.navPermissions,
  activity: t.navActivity,
  health: t.navHealth,
  settings: t.navSettings,
};

function Content({ session, page, rest }: { readonly session: RecorderSession; readonly page: RecorderPage; readonly rest: Path }) {
  const [detail] = rest;
  switch (page) {
    case 'site':
      return <SitePage session={session} />;
    case 'cameras':
      return detail === undefined ? <CamerasPage session={session} /> : <CameraPage key={detail} session={session} cam={detail} />;
    case 'permissions':
      return session.role === 'own' ? <OwnerPermissionsPage session={session} /> : <AskPage session={session} wanted={detail} />;
    case 'activity':
      return <ActivityPage session={session} />;
    case 'health':
      return <HealthPage session={session} />;
    case 'settings':
      return <SettingsPage session={session} focus={detail} />;
  }
}

/** The pages of one recorder: opens it once and keeps it open while a person moves between them. */
export function RecorderPages({ as: role, serial, rest }: { readonly as: Role; readonly serial: string; readonly rest: Path }) {
  const app = useApp();
  const record = (role === 'own' ? app.owned.value : app.served.value).find((one) => one.serial === serial);
  const deviceKey = record?.deviceKey ?? null;
  const [session, setSession] = useState<RecorderSession>();
  useEffect(() => {
    if (record === undefined) return undefined;
    const opened = RecorderSession.open(app, role, record);
    setSession(opened);
    return () => opened.close();
    // The record also changes when its site's name is learnt; only another key is another recorder.
  }, [role, serial, deviceKey, record === undefined]);

  const [first = 'site', ...details] = rest;
  const page = RECORDER_PAGES.find((name) => name === first);
  const back = { to: href(role), label: t.backToList };
  if (record === undefined || page === undefined) {
    return (
      <Shell title={t.notFound} back={back}>
        <Empty title={t.notFound} />
      </Shell>
    );
  }
  const isCurrent = session !== undefined && session.serial === serial && session.role === role;
  const inside = page === 'cameras' && details.length > 0 ? { to: href(role, serial, 'cameras'), label: t.navCameras } : back;
  return (
    <Shell
      title={TITLES[page]}
      subtitle={`${record.site ?? t.serveUnnamed} · ${serial}`}
      back={inside}
      nav={isCurrent ? <RecorderNav session={session} current={page} /> : undefined}
    >
      {isCurrent && <Reachability session={session} />}
      {isCurrent && session.status.value !== undefined && <Content key={page} session={session} page={page} rest={details} />}
    </Shell>
  );
}
