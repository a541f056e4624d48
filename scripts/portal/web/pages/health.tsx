import type { HealthInfo } from '../../../../agent/contract/views.js';
import { bytes, duration, percent, plainNumber } from '../format.js';
import { summaryOf } from '../health-history.js';
import { Card, Facts, type Level, LevelIcon, Verdict } from '../parts/basics.js';
import { HealthChart } from '../parts/health-chart.js';
import { Loaded } from '../parts/loaded.js';
import { Wall } from '../parts/wall.js';
import { tr } from '../recorder-texts.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAnswer } from '../state/use-answer.js';
import { t } from '../words.js';

const HOUR_MS = 3_600_000;

/** How the recorder is doing, now and in the last hour. */
export function HealthPage({ session }: { readonly session: RecorderSession }) {
  return (
    <Wall session={session} scope="health">
      <Health session={session} />
    </Wall>
  );
}

function Health({ session }: { readonly session: RecorderSession }) {
  const health = useAnswer(session, 'health.get', { sinceMs: HOUR_MS }, { on: ['cameras'], everyMs: 15_000 });
  return (
    <Loaded answer={health} lines={6}>
      {(data) => (
        <>
          {session.isReachable && <Verdict level={data.verdict.level} sentence={data.verdict.sentence} />}
          {data.sample !== null && <Now sample={data.sample} cameras={data.cameras} />}
          <LastHour history={data.history} />
          <FactList facts={data.facts} />
          {data.machine !== null && <Machine machine={data.machine} />}
        </>
      )}
    </Loaded>
  );
}

function share(used: number | null, freeBytes: number | null): string {
  return used === null || freeBytes === null ? percent(used) : tr.healthFree(percent(used), bytes(freeBytes));
}

/** Cameras are counted now; the other values are those of the last minute's sample. */
function Now({ sample, cameras }: { readonly sample: NonNullable<HealthInfo['sample']>; readonly cameras: HealthInfo['cameras'] }) {
  const { temperatureCelsius, uptimeS, rssBytes } = sample;
  return (
    <Card title={tr.healthNow} test="health-now">
      <Facts
        rows={[
          [tr.healthProcessor, percent(sample.cpu), 'health-cpu'],
          [tr.healthMemory, share(sample.memory, sample.memoryAvailableBytes), 'health-memory'],
          [tr.healthDisk, share(sample.disk, sample.diskFreeBytes), 'health-disk'],
          [
            tr.healthTemperature,
            temperatureCelsius === null ? t.unknown : tr.healthDegrees(Number(plainNumber(temperatureCelsius))),
            'health-temperature',
          ],
          [tr.healthCameras, tr.healthOf(cameras.filter((camera) => camera.isUp).length, cameras.length), 'health-cameras'],
          [tr.healthUptime, uptimeS === null ? t.unknown : duration(uptimeS * 1000), 'health-uptime'],
          [tr.healthAgent, rssBytes === null ? t.unknown : bytes(rssBytes), 'health-rss'],
        ]}
      />
    </Card>
  );
}

function LastHour({ history }: { readonly history: HealthInfo['history'] }) {
  if (history.at.length === 0) {
    return (
      <Card title={tr.healthLastHour}>
        <p>{tr.healthNoHistory}</p>
      </Card>
    );
  }
  return (
    <Card title={tr.healthLastHour} test="last-hour">
      <HealthChart history={history} />
      <ul class="summary" data-test="chart-summary">
        {summaryOf(history).map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </Card>
  );
}

const LEVELS: Record<HealthInfo['facts'][number]['state'], Level> = { ok: 'ok', warn: 'attention', crit: 'act', unavailable: 'attention' };

function FactList({ facts }: { readonly facts: HealthInfo['facts'] }) {
  if (facts.length === 0) return null;
  return (
    <Card title={tr.healthFacts} test="health-facts">
      <ul class="list">
        {facts.map(({ fact, object, state, sentence }) => (
          <li key={`${fact} ${object}`} class="row" data-test="fact" data-fact={fact} data-state={state}>
            <span>{sentence}</span>
            <span class="camera-state">
              {state !== 'unavailable' && <LevelIcon level={LEVELS[state]} />} {tr.factState[state]}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Machine({ machine }: { readonly machine: NonNullable<HealthInfo['machine']> }) {
  return (
    <Card title={tr.healthMachine}>
      <Facts
        rows={[
          [tr.machineModel, [machine.manufacturer, machine.model].filter((text) => text !== '').join(' ') || t.unknown],
          [tr.machineSystem, [machine.os, machine.kernel].filter((text) => text !== '').join(', ')],
          [tr.machineProcessor, tr.machineCores(machine.cpu, machine.cores)],
          [tr.healthMemory, bytes(machine.memoryBytes)],
        ]}
      />
    </Card>
  );
}
