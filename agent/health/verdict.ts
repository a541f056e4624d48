/** The one line for the owner. Pure: what was announced and what is under watch in, sentence out. */
import { compareLevels } from './checks/check.js';
import type { AlertNow, CameraUp, Verdict } from './types.js';

const NAMED_CAMERAS = 3;

/** `act` for anything critical, `attention` for a warning, else `ok`; alerts still pending are told without alarm. */
export function verdict(alerts: readonly AlertNow[], cameras: readonly CameraUp[]): Verdict {
  const announced = alerts.filter((alert) => alert.level !== 'ok').sort((a, b) => compareLevels(b.level, a.level));
  if (announced.length > 0) {
    const level = announced[0]?.level === 'crit' ? 'act' : 'attention';
    return { level, sentence: `Needs attention: ${inWords(announced, cameras)}` };
  }
  const pending = alerts.filter((alert) => alert.phase === 'pending');
  if (pending.length > 0) return { level: 'ok', sentence: `All is well so far. Being watched: ${inWords(pending, cameras)}` };
  const total = cameras.length;
  const known = total === 0 ? '' : total === 1 ? ' The camera answers.' : ` All ${total} cameras answer.`;
  return { level: 'ok', sentence: `All is well.${known}` };
}

/** Cameras away in one part, however many there are; then the recorder's own facts; then cameras that are back. */
function inWords(alerts: readonly AlertNow[], cameras: readonly CameraUp[]): string {
  const isCamera = (alert: AlertNow): boolean => alert.fact === 'camera-up';
  const away = alerts.filter((alert) => isCamera(alert) && alert.phase !== 'recovering');
  const back = alerts.filter((alert) => isCamera(alert) && alert.phase === 'recovering');
  const own = alerts.filter((alert) => !isCamera(alert)).map(inOneSentence);
  const backInWords = back.length > 1 ? [`${listed(back, cameras)} were away and answer again.`] : back.map(inOneSentence);
  const awayInWords =
    away.length > 1 ? [`${away.length} of ${cameras.length} cameras do not answer: ${listed(away, cameras)}.`] : away.map(inOneSentence);
  return [...awayInWords, ...own, ...backInWords].join(' ');
}

function listed(alerts: readonly AlertNow[], cameras: readonly CameraUp[]): string {
  const names = alerts.map((alert) => cameras.find((camera) => camera.id === alert.object)?.name ?? alert.object);
  const rest = names.length > NAMED_CAMERAS ? ` and ${names.length - NAMED_CAMERAS} more` : '';
  return `${names.slice(0, NAMED_CAMERAS).join(', ')}${rest}`;
}

function inOneSentence(alert: AlertNow): string {
  return alert.phase === 'recovering' ? `${alert.sentence} It was worse until a moment ago.` : alert.sentence;
}
