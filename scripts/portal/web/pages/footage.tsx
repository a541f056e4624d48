import '../recorder-view.js';
import { useEffect, useRef, useState } from 'preact/hooks';
import { type PlayerState, SPEEDS, type Speed } from '../../../../agent/contract/footage.js';
import type { AgentError } from '../../../../agent/kernel/errors.js';
import { type FootageState, FootageViewer } from '../../client/footage-viewer.js';
import { dayAround, type Line, lineOf, type Stretch } from '../footage-line.js';
import { tf } from '../footage-texts.js';
import { duration, exactMoment } from '../format.js';
import { cameraNameOf } from '../names.js';
import { Button, Check, Field, Problem, Select } from '../parts/basics.js';
import { FootageBar } from '../parts/footage-bar.js';
import { FootageClip } from '../parts/footage-clip.js';
import { Loaded } from '../parts/loaded.js';
import { NotAllowed } from '../parts/wall.js';
import { tr } from '../recorder-texts.js';
import { useApp } from '../state/context.js';
import { type RecorderSession, tellable } from '../state/recorder-session.js';
import { useAnswer } from '../state/use-answer.js';
import { locale, t } from '../words.js';

/** Longest watching at once, s; a grant that ends earlier ends it earlier. */
const WATCH_S = 3_600;
const JUMP_MS = 10_000;
const time = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
/** `2026-11-24`, as a date field holds it. */
const dateText = (at: number): string => {
  const day = new Date(at);
  return [day.getFullYear(), day.getMonth() + 1, day.getDate()].map((part) => String(part).padStart(2, '0')).join('-');
};

interface FootageProps {
  readonly session: RecorderSession;
  readonly cam: string;
}

/** One day of one camera: what was recorded, and the recording itself. */
export function FootagePage({ session, cam }: FootageProps) {
  const { now } = useApp();
  const site = useAnswer(session, 'site.get', {}, { on: ['cameras'], isWanted: session.may('site-information') });
  const name = cameraNameOf(site.data?.cameras ?? [], cam);
  const mayWatch = session.may('playback', cam);
  const [day, setDay] = useState(() => dayAround(Date.now()));
  const timeline = useAnswer(session, 'playback.timeline', { cams: [cam], ...day }, { isWanted: mayWatch });
  const player = usePlayer(session, cam);
  const move = (days: number): void => setDay(dayAround(day.from, days));
  if (!mayWatch) return <NotAllowed session={session} scope="playback" sentence={t.wall(t.scopeDo.playback)} />;
  const isToday = day.to > now.value;
  return (
    <>
      <h2 data-test="camera-title">{name}</h2>
      <Screen name={name} player={player} />
      <div class="actions">
        <Button test="footage-before" label={tf.before} onPress={() => move(-1)}>
          <span aria-hidden="true">‹</span>
        </Button>
        <Field
          test="footage-day"
          label={tf.day}
          type="date"
          value={dateText(day.from)}
          onValue={(text) => {
            const [year, month, date] = text.split('-').map(Number);
            if (year !== undefined && month !== undefined && date !== undefined)
              setDay(dayAround(new Date(year, month - 1, date).getTime()));
          }}
        />
        <Button test="footage-after" label={tf.after} isDisabled={isToday} onPress={() => move(1)}>
          <span aria-hidden="true">›</span>
        </Button>
      </div>
      <Loaded answer={timeline}>
        {(data) => {
          const line = lineOf(data, cam);
          return (
            <>
              <FootageBar day={day} line={line} name={name} at={player.at} now={now.value} onSeek={player.seek} />
              <Summary line={line} />
            </>
          );
        }}
      </Loaded>
      <FootageClip session={session} cam={cam} day={day} at={player.at} />
    </>
  );
}

/** The line in words, for those who do not see it. */
function Summary({ line }: { readonly line: Line }) {
  const [first] = line.gaps;
  const told = (gap: Stretch): string => tf.fromTo(time.format(gap.from), time.format(gap.to));
  return (
    <p class="hint" data-test="footage-summary">
      {line.spans.length === 0
        ? tf.none
        : tf.recorded(duration(line.recordedMs), first === undefined ? '' : tf.gaps(line.gaps.length, told(first)))}{' '}
      {line.motion.length > 0 && tf.motion} {tf.keys}
    </p>
  );
}

interface Player {
  readonly video: { current: HTMLVideoElement | null };
  readonly state: FootageState | undefined;
  readonly stands: PlayerState | undefined;
  /** Wall clock of the picture, or of the moment that was asked for last. */
  readonly at: number | undefined;
  readonly news: string | undefined;
  readonly error: AgentError | undefined;
  seek(at: number): void;
  do(work: (viewer: FootageViewer) => Promise<void>): void;
  stop(): void;
}

function inWords(word: Parameters<ConstructorParameters<typeof FootageViewer>[0]['onNews']>[0]): string {
  if (word.t === 'gap') return tf.skipped(time.format(word.from), time.format(word.to));
  return word.t === 'edge' ? tf.edge[word.why] : word.say;
}

/** One after another: a hand is quicker than the recorder. Of several moments that were asked for, `wanted` keeps the last one. */
function useQueue(): { error: AgentError | undefined; enqueue(work: () => Promise<void>): void } {
  const [error, setError] = useState<AgentError>();
  const queue = useRef<Promise<void>>(Promise.resolve());
  return {
    error,
    enqueue: (work) => {
      setError(undefined);
      queue.current = queue.current.then(work).catch((thrown: unknown) => setError(tellable(thrown)));
    },
  };
}

function usePlayer(session: RecorderSession, cam: string): Player {
  const video = useRef<HTMLVideoElement>(null);
  const viewer = useRef<FootageViewer | undefined>(undefined);
  const [state, setState] = useState<FootageState>();
  const [stands, setStands] = useState<PlayerState>();
  const [at, setAt] = useState<number>();
  const [news, setNews] = useState<string>();
  const { error, enqueue } = useQueue();
  const wanted = useRef<number | undefined>(undefined);
  useEffect(
    () => () => {
      const last = viewer.current;
      viewer.current = undefined;
      void last?.stop();
    },
    [],
  );
  const open = (from: number): void => {
    if (video.current === null) return;
    const mine = new FootageViewer({
      ...{ client: session.link, cam, at: Math.round(from), speed: 1, maxS: WATCH_S, video: video.current },
      onState: (next) => {
        if (viewer.current !== mine) return;
        if (next.kind === 'ended') viewer.current = undefined;
        setState(next);
      },
      onPlayer: setStands,
      onClock: setAt,
      onNews: (word) => {
        setNews(inWords(word));
        if (word.t !== 'gap') setStands((before) => before && { ...before, isPlaying: false });
      },
    });
    viewer.current = mine;
    setStands({ n: 0, at: from, speed: 1, isReverse: false, isPlaying: true });
    mine.start();
  };
  const run: Player['do'] = (work) => {
    const mine = viewer.current;
    setNews(undefined);
    if (mine !== undefined) enqueue(async () => (viewer.current === mine ? work(mine) : undefined));
  };
  return {
    ...{ video, state, stands, at, news, error },
    seek: (moment) => {
      setAt(moment);
      if (viewer.current === undefined) open(moment);
      else {
        wanted.current = moment;
        run(async (mine) => {
          const next = wanted.current;
          wanted.current = undefined;
          if (next !== undefined) await mine.seek(next);
        });
      }
    },
    do: run,
    stop: () => void viewer.current?.stop(),
  };
}

function Screen({ name, player }: { readonly name: string; readonly player: Player }) {
  const { video, state, at, news } = player;
  return (
    <section class="picture" data-test="footage" data-state={state?.kind ?? 'idle'}>
      <div class="frame">
        <video
          ref={video}
          data-test="video"
          class={state?.kind === 'open' ? 'video' : 'video hidden'}
          muted
          playsInline
          aria-label={tr.camRecording(name)}
        />
        {state?.kind === 'open' && at !== undefined && (
          <p class="live-mark" data-test="footage-clock" data-at={at}>
            <span title={exactMoment(at)}>{time.format(at)}</span>
          </p>
        )}
        {state?.kind === 'open' ? <p class="watermark">{state.watermark}</p> : <Empty state={state} />}
      </div>
      {state?.kind === 'open' && <Controls player={player} />}
      {news !== undefined && (
        <p role="status" data-test="footage-news">
          {news}
        </p>
      )}
      {player.error !== undefined && <Problem error={player.error} test="footage-problem" />}
    </section>
  );
}

function Empty({ state }: { readonly state: FootageState | undefined }) {
  if (state?.kind !== 'ended' || state.isByViewer) {
    return (
      <p class="frame-text" role="status">
        {state?.kind === 'opening' ? tf.opening : tf.choose} {state === undefined && tf.hint}
      </p>
    );
  }
  return (
    <div class="frame-text" role="alert" data-test="footage-ended" data-code={state.reason.code}>
      <p>
        <strong>{tf.ended}</strong>
      </p>
      <p>{state.reason.say}</p>
      <p>{state.reason.fix}</p>
    </div>
  );
}

function Controls({ player }: { readonly player: Player }) {
  const { stands, at } = player;
  const isPlaying = stands?.isPlaying === true;
  return (
    <div class="actions">
      <Button
        test={isPlaying ? 'footage-pause' : 'footage-play'}
        kind="main"
        onPress={() => player.do((viewer) => (isPlaying ? viewer.pause() : viewer.play()))}
      >
        {isPlaying ? tf.pause : tf.play}
      </Button>
      <Button test="footage-earlier" onPress={() => at !== undefined && player.seek(at - JUMP_MS)}>
        {tf.earlier}
      </Button>
      <Button test="footage-later" onPress={() => at !== undefined && player.seek(at + JUMP_MS)}>
        {tf.later}
      </Button>
      <Button test="footage-step-back" label={tf.stepBack} onPress={() => player.do((viewer) => viewer.step(-1))}>
        <span aria-hidden="true">◀|</span>
      </Button>
      <Button test="footage-step" label={tf.step} onPress={() => player.do((viewer) => viewer.step(1))}>
        <span aria-hidden="true">|▶</span>
      </Button>
      <Select
        test="footage-speed"
        label={tf.speed}
        value={String(stands?.speed ?? 1)}
        options={SPEEDS.map((speed) => [String(speed), tf.times(speed)] as const)}
        onValue={(speed) => player.do((viewer) => viewer.speed(Number(speed) as Speed))}
      />
      <Check
        test="footage-reverse"
        label={tf.reverse}
        isChecked={stands?.isReverse === true}
        onChange={(isReverse) => player.do((viewer) => viewer.reverse(isReverse))}
      />
      <Button test="footage-stop" kind="danger" onPress={player.stop}>
        {tf.stop}
      </Button>
    </div>
  );
}
