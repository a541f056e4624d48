import { useEffect, useRef, useState } from 'preact/hooks';
import type { CameraInfo } from '../../../../agent/contract/views.js';
import { LiveOffers } from '../../client/live-offer.js';
import { type LiveState, LiveViewer } from '../../client/live-viewer.js';
import { tc } from '../camera-texts.js';
import { countdown } from '../format.js';
import { Button, ButtonLink, Card, Check, Facts, Problem, Skeleton, When } from '../parts/basics.js';
import { CameraCare } from '../parts/camera-care.js';
import { ALARM_LEVELS, CameraState } from '../parts/camera-list.js';
import { PtzPad } from '../parts/ptz-pad.js';
import { NotAllowed } from '../parts/wall.js';
import { tr } from '../recorder-texts.js';
import { href } from '../router.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAnswer } from '../state/use-answer.js';
import { t } from '../words.js';

/** Longest watching at once, s; a grant that ends earlier ends it earlier. */
const WATCH_S = 600;

/** One camera: its picture, or why there is none and what to do; then state and controls. */
export function CameraPage({ session, cam }: { readonly session: RecorderSession; readonly cam: string }) {
  const maySee = session.may('site-information');
  const site = useAnswer(session, 'site.get', {}, { on: ['cameras', 'config'], isWanted: maySee });
  const camera = site.data?.cameras.find((one) => one.id === cam);
  // Whoever was watching reads why it ended, also when watching again is not allowed any more.
  const [hasWatched, setWatched] = useState(false);
  const mayWatch = session.may('live-view', cam);
  const name = camera?.name ?? tr.camUnnamed(cam);
  if (session.role === 'serve' && session.permissions.value === undefined) return <Skeleton lines={4} />;
  if (maySee && site.data === undefined && site.error === undefined) return <Skeleton lines={4} />;
  return (
    <>
      <h2 data-test="camera-title">{name}</h2>
      {mayWatch || hasWatched ? (
        <Picture session={session} cam={cam} name={name} camera={camera} mayWatch={mayWatch} onWatch={() => setWatched(true)} />
      ) : (
        <NoPermission session={session} name={name} />
      )}
      {session.may('playback', cam) && (
        <div class="actions">
          <ButtonLink test="camera-recordings" to={href(session.role, session.serial, 'cameras', cam, 'footage')}>
            {tr.camRecordings}
          </ButtonLink>
        </div>
      )}
      {(camera?.alarms ?? []).map((alarm) => (
        <div
          key={alarm}
          class={ALARM_LEVELS[alarm] === 'act' ? 'problem' : 'banner'}
          role="alert"
          data-test="camera-complaint"
          data-alarm={alarm}
        >
          <strong>{tc.alarms[alarm][0]}</strong>
          <p>{tc.alarms[alarm][1]}</p>
        </div>
      ))}
      {site.error !== undefined && <Problem error={site.error} onRetry={site.reload} />}
      {camera !== undefined && camera.ptz !== null && session.may('ptz', cam) && <PtzPad session={session} cam={cam} />}
      {camera !== undefined && camera.ptz !== null && !session.may('ptz', cam) && (
        <NotAllowed session={session} scope="ptz" sentence={t.wall(t.scopeDo.ptz)} />
      )}
      {camera !== undefined && <About camera={camera} session={session} />}
      {camera !== undefined && session.may('remote-configuration', cam) && <CameraCare session={session} cam={cam} name={name} />}
    </>
  );
}

/** The empty frame says what is missing; the button leads to asking for it. */
function NoPermission({ session, name }: { readonly session: RecorderSession; readonly name: string }) {
  return (
    <section class="picture" data-test="picture" data-state="not-allowed">
      <div class="frame">
        <p class="frame-text" data-test="no-picture">
          <strong>{t.wallWatch(name)}</strong> {t.wallFix}
        </p>
      </div>
      <AskToWatch session={session} />
    </section>
  );
}

function AskToWatch({ session }: { readonly session: RecorderSession }) {
  return (
    <div class="actions" data-test="not-allowed" data-scope="live-view">
      <ButtonLink test="not-allowed-ask" to={href(session.role, session.serial, 'permissions', 'live-view')} kind="main">
        {t.wallButton}
      </ButtonLink>
    </div>
  );
}

function About({ camera, session }: { readonly camera: CameraInfo; readonly session: RecorderSession }) {
  const streams = camera.streams.map(
    ({ kind, width, height, frameRate, codec }) =>
      [kind === 'main' ? tr.setMain : tr.setSub, tr.camStream(width, height, frameRate, codec), `stream-${kind}`] as const,
  );
  return (
    <Card title={tr.camDetails}>
      <p>
        <CameraState camera={camera} />
      </p>
      {camera.reason !== null && <Problem error={camera.reason} test="camera-reason" />}
      {camera.state === 'unauthorized' && session.may('remote-configuration') && (
        <ButtonLink test="set-password" to={href(session.role, session.serial, 'settings', camera.id)}>
          {tr.camSetPassword}
        </ButtonLink>
      )}
      <Facts
        rows={[
          [tr.siteModel, [camera.manufacturer, camera.model].filter((text) => text !== '').join(' ') || t.unknown, 'camera-model'],
          [tr.siteVersion, camera.firmware || t.unknown],
          ...streams,
          ...(camera.lastSeenAt === null ? [] : [[tr.camLastSeenLabel, <When at={camera.lastSeenAt} />] as const]),
        ]}
      />
    </Card>
  );
}

interface PictureProps {
  readonly session: RecorderSession;
  readonly cam: string;
  readonly name: string;
  readonly camera: CameraInfo | undefined;
  readonly mayWatch: boolean;
  /** Watching has begun. */
  onWatch(): void;
}

interface Live {
  readonly video: { readonly current: HTMLVideoElement | null };
  readonly state: LiveState | undefined;
  /** Gets ready to open; a page that shows a camera does so before anybody presses. */
  prepare(): void;
  open(stream: 'main' | 'sub'): void;
  stop(): void;
}

/** One viewer at a time for the picture on this page. Leaving the page ends it at the recorder, not only here. */
function useLive(session: RecorderSession, cam: string): Live {
  const video = useRef<HTMLVideoElement>(null);
  const viewer = useRef<LiveViewer | undefined>(undefined);
  const offers = useRef(new LiveOffers());
  const [state, setState] = useState<LiveState>();
  useEffect(
    () => () => {
      offers.current.discard();
      const last = viewer.current;
      viewer.current = undefined;
      void last?.stop();
    },
    [],
  );
  return {
    video,
    state,
    prepare: () => offers.current.prepare(),
    open(stream) {
      if (video.current === null) return;
      void viewer.current?.stop();
      const mine = new LiveViewer({
        client: session.link,
        cam,
        stream,
        maxS: WATCH_S,
        video: video.current,
        offer: offers.current.take(),
        onState: (next) => viewer.current === mine && setState(next),
      });
      viewer.current = mine;
      mine.start();
    },
    stop: () => void viewer.current?.stop(),
  };
}

function Picture({ session, cam, name, camera, mayWatch, onWatch }: PictureProps) {
  const { video, state, ...live } = useLive(session, cam);
  const [isSharp, setSharp] = useState(false);
  const hasSub = camera === undefined || camera.streams.some((stream) => stream.kind === 'sub');
  const hasBoth = camera !== undefined && hasSub && camera.streams.some((stream) => stream.kind === 'main');
  const open = (sharp: boolean): void => {
    onWatch();
    live.open(sharp || !hasSub ? 'main' : 'sub');
  };
  const isRunning = state !== undefined && state.kind !== 'ended';
  useEffect(() => {
    if (mayWatch && !isRunning) live.prepare();
  }, [mayWatch, isRunning]);
  return (
    <section class="picture" data-test="picture" data-state={state?.kind ?? 'idle'}>
      <div class="frame">
        <video
          ref={video}
          data-test="video"
          class={state?.kind === 'live' ? 'video' : 'video hidden'}
          muted
          playsInline
          aria-label={tr.camPicture(name)}
        />
        {state?.kind === 'live' ? <Overlay session={session} state={state} /> : <NoPicture state={state} camera={camera} />}
      </div>
      {mayWatch || isRunning ? (
        <div class="actions">
          <WatchButton session={session} camera={camera} state={state} live={live} onOpen={() => open(isSharp)} />
          {hasBoth && (
            <Check
              test="watch-sharp"
              label={tr.camSharper}
              isChecked={isSharp}
              onChange={(sharp) => {
                setSharp(sharp);
                if (isRunning) open(sharp);
              }}
            />
          )}
        </div>
      ) : (
        <AskToWatch session={session} />
      )}
    </section>
  );
}

interface WatchButtonProps {
  readonly session: RecorderSession;
  readonly camera: CameraInfo | undefined;
  readonly state: LiveState | undefined;
  readonly live: Pick<Live, 'prepare' | 'stop'>;
  onOpen(): void;
}

/** Begins or ends watching; a hand that comes near it is reason enough to be ready. */
function WatchButton({ session, camera, state, live, onOpen }: WatchButtonProps) {
  if (state !== undefined && state.kind !== 'ended') {
    return (
      <Button test="watch-stop" kind="danger" onPress={live.stop}>
        {tr.camStop}
      </Button>
    );
  }
  return (
    <span onPointerEnter={live.prepare} onFocusIn={live.prepare}>
      <Button test="watch" kind={isBroken(camera) ? 'plain' : 'main'} isDisabled={!session.isReachable} onPress={onOpen}>
        {state === undefined ? tr.camWatch : tr.camWatchAgain}
      </Button>
    </span>
  );
}

/** Who watches, written over the picture, and how long it still goes. */
function Overlay({ session, state }: { readonly session: RecorderSession; readonly state: Extract<LiveState, { kind: 'live' }> }) {
  const [leftMs, setLeftMs] = useState(state.until - session.recorderNow());
  useEffect(() => {
    const timer = setInterval(() => setLeftMs(state.until - session.recorderNow()), 1000);
    return () => clearInterval(timer);
  }, [state]);
  return (
    <>
      <p class="live-mark" data-test="live" data-first-frame-ms={Math.round(state.firstFrameMs)}>
        <span class="live-dot" aria-hidden="true" /> {tr.camLive} · {t.minutesLeft(countdown(leftMs))}
      </p>
      <p class="watermark" data-test="watermark">
        {state.watermark}
      </p>
    </>
  );
}

const isBroken = (camera: CameraInfo | undefined): boolean =>
  camera !== undefined && camera.state !== 'online' && camera.state !== 'unknown';

/** Why the frame is empty. Ends are spoken at once. */
function NoPicture({ state, camera }: { readonly state: LiveState | undefined; readonly camera: CameraInfo | undefined }) {
  if (state?.kind === 'opening') {
    return (
      <p class="frame-text" role="status" data-test="watch-step">
        {tr.camStep[state.step]}
      </p>
    );
  }
  if (state?.kind === 'ended') {
    return (
      <div class="frame-text" role="alert" data-test="watch-ended" data-code={state.reason.code}>
        <p>
          <strong>{state.isByViewer ? tr.camStopped : tr.camEnded}</strong>
        </p>
        {!state.isByViewer && (
          <>
            <p data-test="watch-ended-say">{state.reason.say}</p>
            <p>{state.reason.fix}</p>
            <p class="code">{t.code(state.reason.code)}</p>
          </>
        )}
      </div>
    );
  }
  return (
    <div class="frame-text" data-test="no-picture">
      <p>
        <strong>{isBroken(camera) ? tr.camCannot : tr.camIdle}</strong>
      </p>
      <p>{isBroken(camera) ? (camera?.reason?.say ?? '') : tr.camIdleHint}</p>
    </div>
  );
}
