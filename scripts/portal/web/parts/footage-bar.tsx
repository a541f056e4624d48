import { isRecorded, type Line, type Stretch } from '../footage-line.js';
import { tf } from '../footage-texts.js';
import { exactMoment } from '../format.js';

interface BarProps {
  readonly day: Stretch;
  readonly line: Line;
  readonly name: string;
  /** Where the picture is; undefined before one was chosen. */
  readonly at: number | undefined;
  readonly now: number;
  onSeek(at: number): void;
}

const SECOND = 1000;
const STEPS: Readonly<Record<string, number>> = {
  ArrowLeft: -10 * SECOND,
  ArrowDown: -10 * SECOND,
  ArrowRight: 10 * SECOND,
  ArrowUp: 10 * SECOND,
  PageDown: -600 * SECOND,
  PageUp: 600 * SECOND,
};
const HOURS = [0, 6, 12, 18, 24];

/** One day as a bar: what was recorded is filled, gaps are not; a press or an arrow key goes there. */
export function FootageBar({ day, line, name, at, now, onSeek }: BarProps) {
  const length = day.to - day.from;
  const share = (moment: number): number => ((moment - day.from) / length) * 100;
  const latest = Math.min(day.to - SECOND, now);
  const go = (moment: number): void => onSeek(Math.max(day.from, Math.min(latest, moment)));
  const shown = at !== undefined && at >= day.from && at < day.to ? at : undefined;
  return (
    <div>
      <div
        class="day-bar"
        role="slider"
        tabIndex={0}
        data-test="footage-bar"
        aria-label={tf.line(name)}
        aria-valuemin={0}
        aria-valuemax={Math.round(length / SECOND)}
        aria-valuenow={Math.round(((shown ?? day.from) - day.from) / SECOND)}
        aria-valuetext={shown === undefined ? tf.choose : `${exactMoment(shown)}${isRecorded(line, shown) ? '' : `, ${tf.inGap}`}`}
        onPointerDown={(event) => {
          const { left, width } = event.currentTarget.getBoundingClientRect();
          go(day.from + ((event.clientX - left) / width) * length);
        }}
        onKeyDown={(event) => {
          const step = STEPS[event.key];
          const to = event.key === 'Home' ? line.spans[0]?.from : event.key === 'End' ? line.spans.at(-1)?.from : undefined;
          if (step === undefined && to === undefined) return;
          event.preventDefault();
          go(to ?? (shown ?? line.spans[0]?.from ?? day.from) + (step ?? 0));
        }}
      >
        <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
          {line.spans.map(({ from, to }) => (
            <rect key={from} class="day-span" data-test="footage-span" x={share(from)} width={share(to) - share(from)} y="0" height="10" />
          ))}
          {line.motion.map(({ from, to }) => (
            <rect key={from} class="day-motion" x={share(from)} width={Math.max(0.1, share(to) - share(from))} y="0" height="2.5" />
          ))}
          {shown !== undefined && <rect class="day-at" x={share(shown) - 0.15} width="0.3" y="0" height="10" />}
        </svg>
      </div>
      <div class="day-hours" aria-hidden="true">
        {HOURS.map((hour) => (
          <span key={hour}>{String(hour).padStart(2, '0')}</span>
        ))}
      </div>
    </div>
  );
}
