import type { LocalCamera, TestStep } from '../contract/camera-views.js';
import { AgentError } from '../kernel/errors.js';

/** How cameras are said on the command line, and how one is named there. Pure. */

const STATES: Readonly<Record<LocalCamera['state'], string>> = {
  unknown: 'being checked',
  reachable: 'answers, being read',
  unauthorized: 'password refused',
  online: 'works',
  fault: 'does not work',
};

/** The state in a word or two. */
export function stateOf({ state, alarms }: Pick<LocalCamera, 'state' | 'alarms'>): string {
  const complaints = (alarms ?? []).map((alarm) => ALARMS[alarm]);
  return [STATES[state], ...complaints].join(', ');
}

const ALARMS = {
  tamper: 'says it was tampered with',
  'video-loss': 'says its picture is lost',
  'hardware-failure': 'says its hardware fails',
};

/** `main 1920x1080 H264 25/s`. */
export function streamsOf({ streams }: Pick<LocalCamera, 'streams'>): readonly string[] {
  return streams.map(({ kind, width, height, codec, frameRate, bitrateKbps }) => {
    const rate = bitrateKbps > 0 ? `, ${bitrateKbps} kbit/s` : '';
    return `${kind} ${width}x${height} ${codec} ${frameRate}/s${rate}`;
  });
}

/** Manufacturer and model as far as they are known. */
export function makeOf({ manufacturer, model }: Pick<LocalCamera, 'manufacturer' | 'model'>): string {
  return [manufacturer, model].filter((text) => text !== '').join(' ') || 'unknown model';
}

/** What moves it. */
export function movesOf({ ptz }: Pick<LocalCamera, 'ptz'>): string {
  return ptz === null ? 'does not move' : { onvif: 'by itself (ONVIF)', serial: 'over a serial bus' }[ptz];
}

/** The camera that is meant by `cam-2`, `2` or its name, whatever its case. @throws AgentError cli.unknown_id | cli.ambiguous */
export function findCamera<T extends Pick<LocalCamera, 'id' | 'name'>>(word: string, cameras: readonly T[]): T {
  const id = /^[1-9][0-9]{0,3}$/.test(word) ? `cam-${word}` : word.toLowerCase();
  const byId = cameras.find((camera) => camera.id === id);
  if (byId !== undefined) return byId;
  const named = cameras.filter(({ name }) => name.toLowerCase() === word.toLowerCase());
  if (named.length > 1) {
    throw new AgentError({
      code: 'cli.ambiguous',
      say: `${named.length} cameras are called "${word}": ${named.map((camera) => camera.id).join(', ')}. Nothing was done.`,
      fix: 'Name it by its channel, such as cam-1.',
    });
  }
  const [camera] = named;
  if (camera !== undefined) return camera;
  throw new AgentError({ code: 'cli.unknown_id', say: `There is no camera "${word}".`, fix: 'See sightline cameras list.' });
}

const RESULTS: Readonly<Record<TestStep['result'], string>> = {
  ok: 'ok',
  warning: 'look',
  failed: 'FAILED',
  absent: '-',
  skipped: 'not tried',
};

/** One row per step, and what is to be done on a line of its own. */
export function testLines(steps: readonly TestStep[]): readonly (readonly string[])[] {
  return steps.flatMap(({ step, result, say, fix, code }) => [
    [RESULTS[result], step, say],
    ...(fix === '' ? [] : [['', '', `Next: ${fix}${code === null ? '' : ` (${code})`}`]]),
  ]);
}

/** What a test comes to, in one sentence. */
export function testVerdict(name: string, steps: readonly TestStep[]): string {
  const failed = steps.filter(({ result }) => result === 'failed').map(({ step }) => step);
  const warned = steps.filter(({ result }) => result === 'warning').map(({ step }) => step);
  if (failed.length > 0) return `${name} does not work: ${failed.join(', ')}.`;
  return warned.length > 0 ? `${name} works; look at ${warned.join(', ')}.` : `${name} works.`;
}
