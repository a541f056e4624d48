import { useEffect, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import type { HealthInfo } from '../../../../agent/contract/views.js';
import { moment, percent } from '../format.js';
import { type Line, linesOf, withGaps } from '../health-history.js';
import { useApp } from '../state/context.js';
import { locale, t } from '../words.js';

const HEIGHT_PX = 220;
/** Colour of each line, and a dash pattern beside it: never colour alone. */
const STYLES: readonly { readonly token: string; readonly dash: number[] }[] = [
  { token: '--line-1', dash: [] },
  { token: '--line-2', dash: [6, 4] },
  { token: '--line-3', dash: [2, 3] },
];

const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

function optionsFor(width: number, lines: readonly Line[]): uPlot.Options {
  const axis = {
    stroke: token('--text-soft'),
    grid: { stroke: token('--border'), width: 1 },
    ticks: { stroke: token('--border'), width: 1 },
  };
  return {
    width,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { drag: { x: false, y: false } },
    scales: { y: { range: [0, 1] } },
    axes: [
      { ...axis, values: (_chart, times) => times.map((time) => clock.format(time * 1000)) },
      { ...axis, size: 48, values: (_chart, values) => values.map((value) => percent(value)) },
    ],
    series: [
      {},
      ...lines.map((line, at) => {
        const style = STYLES[at % STYLES.length];
        return {
          label: line.name,
          stroke: token(style?.token ?? '--line-1'),
          width: 2,
          dash: style?.dash ?? [],
          spanGaps: false,
          points: { show: false },
        };
      }),
    ],
  };
}

interface Drawing {
  readonly holder: { readonly current: HTMLDivElement | null };
  readonly isDrawn: boolean;
  /** Puts the chart's cursor to a time (s). */
  point(time: number): void;
}

/** The drawing itself, fetched when it is first needed; it follows the data and the width. */
function useDrawing(lines: readonly Line[], data: ReturnType<typeof withGaps>, history: HealthInfo['history']): Drawing {
  const holder = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const [isDrawn, setDrawn] = useState(false);
  const columns = [data.at, ...data.lines] as uPlot.AlignedData;
  useEffect(() => {
    let isGone = false;
    const observer = new ResizeObserver(() => {
      const width = holder.current?.clientWidth ?? 0;
      if (width > 0) chart.current?.setSize({ width, height: HEIGHT_PX });
    });
    const draw = async (): Promise<void> => {
      const { default: UPlot } = await import('uplot');
      if (isGone || holder.current === null) return;
      chart.current = new UPlot(optionsFor(holder.current.clientWidth, lines), columns, holder.current);
      observer.observe(holder.current);
      setDrawn(true);
    };
    // Without the drawing there is still the summary beside it.
    draw().catch(() => undefined);
    return () => {
      isGone = true;
      observer.disconnect();
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, [lines.length]);
  useEffect(() => chart.current?.setData(columns), [history]);
  const point = (time: number): void => {
    if (chart.current !== undefined) chart.current.setCursor({ left: chart.current.valToPos(time, 'x'), top: 0 });
  };
  return { holder, isDrawn, point };
}

/** The last hour as lines. Values by pointer or arrow keys, spoken as they change. */
export function HealthChart({ history }: { readonly history: HealthInfo['history'] }) {
  const { now } = useApp();
  const [picked, setPicked] = useState<number>();
  const lines = linesOf(history);
  const data = withGaps(history, lines);
  const { holder, isDrawn, point } = useDrawing(lines, data, history);

  const step = (by: number): void => {
    const last = data.at.length - 1;
    const next = Math.max(0, Math.min(last, (picked ?? last + (by < 0 ? 1 : 0)) + by));
    setPicked(next);
    const time = data.at[next];
    if (time !== undefined) point(time);
  };
  const time = picked === undefined ? undefined : data.at[picked];
  const values = lines.map((line, at) => `${line.name} ${percent(data.lines[at]?.[picked ?? 0] ?? null)}`).join(', ');
  return (
    <figure class="chart">
      <div
        ref={holder}
        class="chart-plot"
        data-test="chart"
        data-drawn={isDrawn}
        role="img"
        aria-label={t.healthChartKeys}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the chart is read with the arrow keys.
        tabIndex={0}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
          event.preventDefault();
          step(event.key === 'ArrowLeft' ? -1 : 1);
        }}
      />
      <p class="legend">
        {lines.map((line, at) => (
          <span key={line.name} class={`legend-item legend-${at + 1}`}>
            {line.name}
          </span>
        ))}
      </p>
      <p class="hint" aria-live="polite" data-test="chart-value">
        {time === undefined ? '' : t.healthAt(moment(time * 1000, now.value), values)}
      </p>
    </figure>
  );
}
