import { render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { OwnHome } from './pages/own-home.js';
import { StartPage } from './pages/start.js';
import { Empty } from './parts/basics.js';
import { lazy } from './parts/lazy.js';
import { Shell } from './parts/shell.js';
import { href, path } from './router.js';
import { AppState } from './state/app-state.js';
import { AppContext } from './state/context.js';
import type { Services } from './state/services.js';
import { t } from './words.js';

const serve = () => import('./pages/serve-home.js');
const SignedInOnly = lazy(async () => (await serve()).SignedInOnly);
const ServeHome = lazy(async () => (await serve()).ServeHome);
const ServeAdd = lazy(async () => (await serve()).ServeAdd);
const ownership = () => import('./pages/ownership.js');
const JoinPage = lazy(async () => (await ownership()).JoinPage);
const TakePage = lazy(async () => (await ownership()).TakePage);
const PairPage = lazy(async () => (await ownership()).PairPage);
const RecorderPages = lazy(async () => (await import('./pages/recorder.js')).RecorderPages);

function Routes() {
  const [role, second, ...rest] = path.value;
  if (role === undefined) return <StartPage />;
  if (role === 'own') {
    if (second === undefined) return <OwnHome />;
    return second === 'add' ? <PairPage /> : <RecorderPages as="own" serial={second} rest={rest} />;
  }
  // A link that was opened while the page was shown is another one: the page begins anew with it.
  if (role === 'join') return <JoinPage key={rest.join()} rest={path.value.slice(1)} />;
  if (role === 'take') return <TakePage key={rest.join()} rest={path.value.slice(1)} />;
  if (role === 'serve') {
    return (
      <SignedInOnly>
        {() => {
          if (second === undefined) return <ServeHome />;
          return second === 'add' ? <ServeAdd /> : <RecorderPages as="serve" serial={second} rest={rest} />;
        }}
      </SignedInOnly>
    );
  }
  return (
    <Shell title={t.notFound} back={{ to: href(), label: t.home }}>
      <Empty title={t.notFoundFix} />
    </Shell>
  );
}

/** After a change of page the heading is where reading starts, for the eye and for a screen reader. */
function Root() {
  const current = path.value.join('/');
  const isFirst = useRef(true);
  useEffect(() => {
    if (!isFirst.current) {
      scrollTo(0, 0);
      document.getElementById('content')?.focus({ preventScroll: true });
    }
    isFirst.current = false;
    document.title = [document.querySelector('h1')?.textContent, t.product].filter(Boolean).join(' · ');
  }, [current]);
  return <Routes />;
}

/** Shows the app in `root`. */
export async function mountApp(root: HTMLElement, services: Services): Promise<void> {
  const app = new AppState(services);
  await app.load();
  let isDelivering = false;
  app.owned.subscribe((owned) => {
    if (isDelivering || owned.every(({ waiting }) => waiting === null)) return;
    isDelivering = true;
    import('./deliver-piece.js').then(
      ({ deliverWaiting }) => deliverWaiting(app),
      () => {
        isDelivering = false;
      },
    );
  });
  render(
    <AppContext.Provider value={app}>
      <Root />
    </AppContext.Provider>,
    root,
  );
}
