import { useEffect, useRef, useState } from 'preact/hooks';
import type { HealthInfo } from '../../../../agent/contract/views.js';
import { linePath, nearest, timeMarks } from '../chart-scale.js';
import { moment, percent } from '../format.js';
import { linesOf, withGaps } from '../health-history.js';
import { tr } from '../recorder-texts.js';
import { useApp } from '../state/context.js';
import { locale } from '../words.js';

const HEIGHT = 220;
/** Room for the marks: left, right, top, bottom. */
const LEFT = 48;
const RIGHT = 12;
const TOP = 8;
const BOTTOM = 26;
const SHARES = [0, 0.25, 0.5, 0.75, 1];
/** Least room for one mark of the time axis, px. */
const MARK_PX = 64;

const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

/** The width that an element has on the screen, px; 0 until it is there. */
function useWidth(holder: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = holder.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    setWidth(element.clientWidth);
    return () => observer.disconnect();
  }, []);
  return width;
}

/** Times in ms; `lines` has a column of values 0..1 for each of the names. */
interface Curves {
  readonly at: readonly number[];
  readonly lines: readonly (readonly (number | null)[])[];
}

interface PlotProps {
  readonly data: Curves;
  readonly width: number;
  readonly picked: number | undefined;
  onPick(at: number): void;
}

/** The drawing: grid, marks, lines with their gaps, and the moment that is picked. Lines differ by colour and by their dashes. */
function Plot({ data, width, picked, onPick }: PlotProps) {
  const from = data.at[0] ?? 0;
  const to = Math.max(data.at.at(-1) ?? 1, from + 1);
  const x = (time: number): number => LEFT + ((time - from) / (to - from)) * (width - LEFT - RIGHT);
  const y = (value: number): number => TOP + (1 - value) * (HEIGHT - TOP - BOTTOM);
  const offsetMs = -new Date(to).getTimezoneOffset() * 60_000;
  const time = picked === undefined ? undefined : data.at[picked];
  return (
    <svg
      class="plot"
      viewBox={`0 0 ${width} ${HEIGHT}`}
      height={HEIGHT}
      aria-hidden="true"
      onPointerMove={(event) => {
        const left = event.clientX - event.currentTarget.getBoundingClientRect().left;
        onPick(nearest(data.at, from + ((left - LEFT) / (width - LEFT - RIGHT)) * (to - from)));
      }}
    >
      {SHARES.map((share) => (
        <g key={share}>
          <path class="grid" d={`M${LEFT} ${y(share)}H${width - RIGHT}`} />
          <text x={LEFT - 8} y={y(share) + 4} text-anchor="end">
            {percent(share)}
          </text>
        </g>
      ))}
      {timeMarks(from, to, Math.max(2, Math.floor((width - LEFT) / MARK_PX)), offsetMs).map((at) => (
        <g key={at}>
          <path class="grid" d={`M${x(at)} ${TOP}V${HEIGHT - BOTTOM}`} />
          <text x={x(at)} y={HEIGHT - 6} text-anchor="middle">
            {clock.format(at)}
          </text>
        </g>
      ))}
      {data.lines.map((values, at) => (
        <path key={at} class={`curve curve-${at + 1}`} d={linePath(data.at, values, x, y)} />
      ))}
      {time !== undefined && <path class="cursor" d={`M${x(time)} ${TOP}V${HEIGHT - BOTTOM}`} />}
      {time !== undefined &&
        data.lines.map((values, at) => {
          const value = values[picked ?? 0] ?? null;
          return value === null ? null : <circle key={at} class={`curve-${at + 1}`} cx={x(time)} cy={y(value)} r="4" />;
        })}
    </svg>
  );
}

/** The last hour as lines. Values by pointer or arrow keys, spoken as they change. */
export function HealthChart({ history }: { readonly history: HealthInfo['history'] }) {
  const { now } = useApp();
  const holder = useRef<HTMLDivElement>(null);
  const width = useWidth(holder);
  const [picked, setPicked] = useState<number>();
  const lines = linesOf(history);
  const gapped = withGaps(history, lines);
  const data = { at: gapped.at.map((seconds) => seconds * 1000), lines: gapped.lines };

  const step = (by: number): void => {
    const last = data.at.length - 1;
    setPicked(Math.max(0, Math.min(last, (picked ?? last + (by < 0 ? 1 : 0)) + by)));
  };
  const time = picked === undefined ? undefined : data.at[picked];
  const values = lines.map((line, at) => `${line.name} ${percent(data.lines[at]?.[picked ?? 0] ?? null)}`).join(', ');
  return (
    <figure class="chart">
      <div
        ref={holder}
        class="chart-plot"
        data-test="chart"
        data-drawn={width > 0}
        role="img"
        aria-label={tr.healthChartKeys}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the chart is read with the arrow keys.
        tabIndex={0}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
          event.preventDefault();
          step(event.key === 'ArrowLeft' ? -1 : 1);
        }}
      >
        {width > 0 && <Plot data={data} width={width} picked={picked} onPick={setPicked} />}
      </div>
      <p class="legend">
        {lines.map((line, at) => (
          <span key={line.name} class={`legend-item legend-${at + 1}`}>
            {line.name}
          </span>
        ))}
      </p>
      <p class="hint" aria-live="polite" data-test="chart-value">
        {time === undefined ? '' : tr.healthAt(moment(time, now.value), values)}
      </p>
    </figure>
  );
}
