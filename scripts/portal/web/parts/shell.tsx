import type { ComponentChildren } from 'preact';
import { useErrorBoundary } from 'preact/hooks';
import { ago, moment } from '../format.js';
import { href } from '../router.js';
import { useApp } from '../state/context.js';
import { type RecorderSession, tellable } from '../state/recorder-session.js';
import { t } from '../words.js';
import { Problem } from './basics.js';
import { NavIcon } from './nav-icon.js';
import { RECORDER_PAGES, type RecorderPage } from './recorder-pages.js';

interface ShellProps {
  readonly title: string;
  readonly subtitle?: string | undefined;
  /** Where the arrow leads; none on the start page. */
  readonly back?: { readonly to: string; readonly label: string } | undefined;
  readonly nav?: ComponentChildren;
  readonly children?: ComponentChildren;
}

/** The frame of every page: top bar, navigation, content, and what is wrong with the connection. */
export function Shell({ title, subtitle, back, nav, children }: ShellProps) {
  const { isOnline, services } = useApp();
  const [error] = useErrorBoundary();
  return (
    <div class={nav === undefined ? 'shell' : 'shell shell-nav'}>
      {/* biome-ignore lint/a11y/useValidAnchor: a skip link is a link; the hash is the router's, so it is followed by script. */}
      <a class="skip" href="#content" onClick={(event) => focusContent(event)}>
        {t.skipToContent}
      </a>
      <header class="top">
        {back === undefined ? (
          <span class="brand">{t.product}</span>
        ) : (
          <a class="top-back" href={back.to} data-test="back">
            <span aria-hidden="true">‹</span> {back.label}
          </a>
        )}
        {services.onSite !== undefined && (
          <span class="top-site" data-test="on-site">
            {t.onSite(services.onSite.serial)}
          </span>
        )}
      </header>
      {nav}
      <main id="content" tabIndex={-1}>
        <h1 data-test="title">{title}</h1>
        {subtitle !== undefined && <p class="subtitle">{subtitle}</p>}
        {!isOnline.value && (
          <p class="banner" role="status" data-test="no-service">
            {t.noService}
          </p>
        )}
        {error === undefined ? children : <Problem error={tellable(error)} />}
      </main>
    </div>
  );
}

function focusContent(event: Event): void {
  // The hash is the router's: a plain link would leave the page.
  event.preventDefault();
  document.getElementById('content')?.focus();
}

const NAV_WORDS: Record<RecorderPage, string> = {
  site: t.navSite,
  cameras: t.navCameras,
  permissions: t.navPermissions,
  activity: t.navActivity,
  health: t.navHealth,
  settings: t.navSettings,
};

/** Navigation of one recorder. The log is the owner's to read, so an installer has no Activity. */
export function RecorderNav({ session, current }: { readonly session: RecorderSession; readonly current: RecorderPage }) {
  const pages = RECORDER_PAGES.filter((page) => page !== 'activity' || session.role === 'own');
  return (
    <nav class="nav" aria-label={t.navLabel}>
      <ul>
        {pages.map((page) => (
          <li key={page}>
            <a
              href={href(session.role, session.serial, page)}
              data-test={`nav-${page}`}
              aria-current={page === current ? 'page' : undefined}
            >
              <NavIcon page={page} />
              <span>{NAV_WORDS[page]}</span>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** Says when the recorder cannot be reached, and since when. */
export function Reachability({ session }: { readonly session: RecorderSession }) {
  const { now, isOnline } = useApp();
  const status = session.status.value;
  const startError = session.startError.value;
  if (status === undefined && startError !== undefined && isOnline.value) return <Problem error={startError} />;
  if (status === undefined) {
    return (
      <p class="hint" role="status" data-test="looking">
        {t.lookingForRecorder}
      </p>
    );
  }
  if (status.state === 'online') return null;
  return (
    <div class="banner" role="status" data-test="unreachable">
      <strong>
        {session.lostAt.value === undefined
          ? t.notReachableConnected(ago(status.at, now.value))
          : t.notReachableSince(moment(session.lostAt.value, now.value))}
      </strong>
      <p>{t.notReachableFix}</p>
    </div>
  );
}
