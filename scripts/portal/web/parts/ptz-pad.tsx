import { useEffect, useMemo, useState } from 'preact/hooks';
import type { AgentError } from '../../../../agent/kernel/errors.js';
import { tc } from '../camera-texts.js';
import { type Direction, PtzDriver } from '../ptz-driver.js';
import { tr } from '../recorder-texts.js';
import { type RecorderSession, tellable } from '../state/recorder-session.js';
import { Card, Problem } from './basics.js';
import { PtzPresets } from './ptz-presets.js';

const SPEED = 0.5;
const STILL = { pan: 0, tilt: 0, zoom: 0 };

interface Way {
  readonly name: string;
  readonly sign: string;
  readonly word: string;
  readonly keys: readonly string[];
  readonly direction: Direction;
}

const WAYS: readonly Way[] = [
  { name: 'up', sign: '▲', word: tr.ptzUp, keys: ['ArrowUp'], direction: { ...STILL, tilt: SPEED } },
  { name: 'left', sign: '◀', word: tr.ptzLeft, keys: ['ArrowLeft'], direction: { ...STILL, pan: -SPEED } },
  { name: 'right', sign: '▶', word: tr.ptzRight, keys: ['ArrowRight'], direction: { ...STILL, pan: SPEED } },
  { name: 'down', sign: '▼', word: tr.ptzDown, keys: ['ArrowDown'], direction: { ...STILL, tilt: -SPEED } },
  { name: 'in', sign: '+', word: tr.ptzIn, keys: ['+', '='], direction: { ...STILL, zoom: SPEED } },
  { name: 'out', sign: '−', word: tr.ptzOut, keys: ['-', '_'], direction: { ...STILL, zoom: -SPEED } },
];

interface Pad {
  readonly held: string | undefined;
  readonly error: AgentError | undefined;
  press(way: Way): void;
  release(): void;
}

function usePad(session: RecorderSession, cam: string): Pad {
  const [error, setError] = useState<AgentError>();
  const [held, setHeld] = useState<string>();
  const driver = useMemo(
    () =>
      new PtzDriver({
        move: (direction) => session.link.call('ptz.move', { cam, ...direction }),
        stop: () => session.link.call('ptz.stop', { cam }),
        onError: (thrown) => setError(tellable(thrown)),
      }),
    [session, cam],
  );
  const release = (): void => {
    setHeld(undefined);
    driver.release();
  };
  useEffect(() => {
    // A key or button released outside the window is not told; losing the focus counts as letting go.
    globalThis.addEventListener('blur', release);
    return () => {
      globalThis.removeEventListener('blur', release);
      driver.release();
    };
  }, [driver]);
  return {
    held,
    error,
    release,
    press: (way) => {
      setError(undefined);
      setHeld(way.name);
      driver.press(way.direction);
    },
  };
}

/** Moves a camera while a button or an arrow key is held. */
export function PtzPad({ session, cam }: { readonly session: RecorderSession; readonly cam: string }) {
  const { held, error, press, release } = usePad(session, cam);
  return (
    <Card title={tr.ptzTitle} test="ptz">
      <p class="hint">{tc.moveHint}</p>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would be announced as a form. */}
      <div
        class="ptz"
        role="group"
        aria-label={tr.ptzTitle}
        onKeyDown={(event) => {
          const way = WAYS.find(({ keys }) => keys.includes(event.key));
          if (way === undefined) return;
          event.preventDefault();
          if (!event.repeat) press(way);
        }}
        onKeyUp={release}
      >
        {WAYS.map((way) => (
          <button
            key={way.name}
            type="button"
            class={`button ptz-${way.name}${held === way.name ? ' is-held' : ''}`}
            data-test={`ptz-${way.name}`}
            aria-label={way.word}
            onPointerDown={(event) => {
              event.currentTarget.setPointerCapture(event.pointerId);
              press(way);
            }}
            onPointerUp={release}
            onPointerCancel={release}
            onKeyDown={(event) => {
              if ((event.key === ' ' || event.key === 'Enter') && !event.repeat) press(way);
            }}
          >
            <span aria-hidden="true">{way.sign}</span>
          </button>
        ))}
      </div>
      {error !== undefined && <Problem error={error} test="ptz-problem" />}
      <PtzPresets session={session} cam={cam} />
    </Card>
  );
}
