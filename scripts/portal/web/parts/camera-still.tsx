import { useEffect, useRef, useState } from 'preact/hooks';
import type { AgentError } from '../../../../agent/kernel/errors.js';
import { type Still as Picture, takeSnapshot } from '../../client/snapshot.js';
import { tr } from '../recorder-texts.js';
import { type RecorderSession, tellable } from '../state/recorder-session.js';

/** Stills are asked for one after another: a recorder takes only a few at once. */
let last: Promise<unknown> = Promise.resolve();

/** Waits as long as the recorder says that it needs, once. */
async function takeInTurn(session: RecorderSession, cam: string, isGone: () => boolean): Promise<Picture | undefined> {
  const mine = last.then(async () => {
    if (isGone()) return undefined;
    try {
      return await takeSnapshot(session.link, cam);
    } catch (error) {
      const { retryS } = tellable(error).detail;
      if (typeof retryS !== 'number' || retryS > 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, retryS * 1000));
      return isGone() ? undefined : await takeSnapshot(session.link, cam);
    }
  });
  last = mine.catch(() => undefined);
  return mine;
}

interface StillProps {
  readonly session: RecorderSession;
  readonly cam: string;
  readonly name: string;
}

/** One still picture, asked for once when it is first shown: under the permission to watch, and in the log like any other. */
export function Still({ session, cam, name }: StillProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [mark, setMark] = useState<string>();
  const [error, setError] = useState<AgentError>();
  useEffect(() => {
    let isGone = false;
    const draw = async (): Promise<void> => {
      const taken = await takeInTurn(session, cam, () => isGone);
      if (taken === undefined) return;
      // Drawn, not linked: no address of it is left behind, and a camera's file is never more than pixels.
      const picture = await createImageBitmap(new Blob([taken.jpeg], { type: 'image/jpeg' }));
      const shown = canvas.current;
      if (isGone || shown === null) return picture.close();
      Object.assign(shown, { width: picture.width, height: picture.height });
      shown.getContext('2d')?.drawImage(picture, 0, 0);
      picture.close();
      setMark(taken.watermark);
    };
    draw().catch((thrown: unknown) => !isGone && setError(tellable(thrown)));
    return () => {
      isGone = true;
    };
  }, [session, cam]);
  return (
    <span class="frame still">
      <canvas
        ref={canvas}
        class={mark === undefined ? 'video hidden' : 'video'}
        role="img"
        aria-label={tr.camStill(name)}
        data-test="still"
        data-shown={mark !== undefined}
      />
      {mark !== undefined && <span class="watermark">{mark}</span>}
      {mark === undefined && (
        <span class="frame-text" role="status" data-test={error === undefined ? 'still-wait' : 'still-problem'} data-code={error?.code}>
          {error === undefined ? tr.camStillWait : `${error.say} ${error.fix}`}
        </span>
      )}
    </span>
  );
}
