import { useEffect, useRef, useState } from 'preact/hooks';
import { EXPORT_MAX_MS } from '../../../../agent/contract/footage.js';
import { exportFootage, type FootageFile, type RunningExport } from '../../client/footage-export.js';
import { momentOf, type Stretch } from '../footage-line.js';
import { tf } from '../footage-texts.js';
import { bytes } from '../format.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { Button, Done, Field, Problem } from './basics.js';

interface ClipProps {
  readonly session: RecorderSession;
  readonly cam: string;
  readonly day: Stretch;
  /** Where the picture is: the clip begins there unless something else is typed. */
  readonly at: number | undefined;
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const MINUTE_MS = 60_000;

/** Gives a file to the browser's own downloads. */
function keep(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  Object.assign(document.createElement('a'), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), MINUTE_MS);
}

/** A part of the day as a file, with the recorder's signature. */
export function FootageClip({ session, cam, day, at }: ClipProps) {
  const [typed, setTyped] = useState<{ from?: string; to?: string }>({});
  const [error, setError] = useState<string>();
  const [size, setSize] = useState(0);
  const [saved, setSaved] = useState<FootageFile>();
  const running = useRef<RunningExport | undefined>(undefined);
  const act = useAct();
  useEffect(() => () => running.current?.stop(), []);
  const begin = at ?? day.from;
  const from = typed.from ?? clock.format(begin);
  const to = typed.to ?? clock.format(Math.min(day.to - 1000, begin + MINUTE_MS));
  const save = async (wish: Stretch): Promise<void> => {
    const key = session.status.value?.key;
    if (key === undefined) return;
    setSaved(undefined);
    setSize(0);
    running.current = exportFootage({ client: session.link, key, cam, ...wish, onBytes: setSize });
    const file = await running.current.done;
    keep(file.name, file.clip);
    setSaved(file);
  };
  return (
    <details class="card" data-test="footage-clip">
      <summary>{tf.clip}</summary>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          const [first, last] = [momentOf(from, day), momentOf(to, day)];
          const isFine = first !== undefined && last !== undefined && last > first && last - first <= EXPORT_MAX_MS;
          setError(isFine ? undefined : tf.clipError);
          if (isFine) act.run(() => save({ from: first, to: last }));
        }}
      >
        <p class="hint">{tf.clipHint}</p>
        <Field test="clip-from" label={tf.from} value={from} onValue={(text) => setTyped({ ...typed, from: text })} />
        <Field test="clip-to" label={tf.to} value={to} error={error} onValue={(text) => setTyped({ ...typed, to: text })} />
        <div class="actions">
          <Button test="clip-do" isBusy={act.isBusy} busyText={tf.clipBusy(bytes(size))} isDisabled={!session.isReachable}>
            {tf.clipDo}
          </Button>
          {act.isBusy && (
            <Button test="clip-stop" onPress={() => running.current?.stop()}>
              {tf.clipStop}
            </Button>
          )}
        </div>
        {act.error !== undefined && act.error.code !== 'footage.closed' && <Problem error={act.error} test="clip-problem" />}
        {saved !== undefined && (
          <>
            <Done test="clip-done">{tf.clipDone(bytes(saved.facts.bytes))}</Done>
            <Button test="clip-proof" onPress={() => keep(`${saved.name}.jws`, new Blob([saved.statement]))}>
              {tf.clipProof}
            </Button>
          </>
        )}
      </form>
    </details>
  );
}
