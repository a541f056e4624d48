/**
 * How quickly a picture is there, as a person meets it: the page signs and seals `live.open`, the broker relays it, the recorder judges, logs and
 * opens the camera, WebRTC connects, Chromium decodes the first frame (requestVideoFrameCallback). The owner watches the main stream (1280x720,
 * 25 fps, GOP 4 s).
 */
import { randomInt } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { type JourneyWorld, mark, openJourney } from '../../../test/journeys/portal-rig.js';
import { until } from '../../../test/support/until.js';
import { progress } from './report.js';

const OPENS = 10;
/** The recorder takes one open per viewer and 2 s; the rest of the wait puts each open at another place of the GOP. */
const BETWEEN_MS = 2_050;
const GOP_MS = 4_000;

/** The owner's page pairs, and stands before the camera's main stream. */
export async function pairAndOpenCamera({ owner, agent }: JourneyWorld): Promise<void> {
  await mark(owner, 'start-owner').click();
  await mark(owner, 'add-recorder').click();
  await mark(owner, 'pair-serial').fill(agent.serial);
  await mark(owner, 'pair-code').fill(agent.code ?? '');
  await mark(owner, 'pair-check').click();
  await mark(owner, 'consent-name').fill('Bench');
  await mark(owner, 'consent-email').fill('bench@example.org');
  await mark(owner, 'consent-site').fill('Bench');
  await mark(owner, 'consent-agree').check();
  await mark(owner, 'consent-finish').click();
  await mark(owner, 'nav-cameras').click();
  await mark(owner, 'camera-cam-1').click();
  await mark(owner, 'watch').waitFor();
  // The sub-stream is the default of the page; sharper means main.
  await mark(owner, 'watch-sharp').check();
}

/** Milliseconds from the press of the button to the first decoded frame. */
async function openOnce(page: Page): Promise<number> {
  await mark(page, 'watch').click();
  const live = mark(page, 'live');
  await live.waitFor();
  const ms = Number(await live.getAttribute('data-first-frame-ms'));
  await mark(page, 'watch-stop').click();
  await mark(page, 'watch').waitFor();
  return ms;
}

/** To a camera in the middle of a GOP, turn by turn with the same one that ignores the request for an intra picture; `first` is of a fresh agent. */
export async function midGop(): Promise<{ first: number; honoured: number[]; ignored: number[] }> {
  const world = await openJourney('own');
  try {
    await pairAndOpenCamera(world);
    const first = await openOnce(world.owner);
    const honoured: number[] = [];
    const ignored: number[] = [];
    for (let turn = 1; turn <= OPENS; turn += 1) {
      progress(`open ${turn} of ${OPENS}`);
      for (const [ignoresSync, into] of [
        [false, honoured],
        [true, ignored],
      ] as const) {
        world.camera.set({ ignoresSync });
        await until('the camera is left alone', () => world.camera.counters().openConnections === 0);
        await wait(BETWEEN_MS + randomInt(GOP_MS));
        into.push(await openOnce(world.owner));
      }
    }
    return { first, honoured, ignored };
  } finally {
    await world.close();
  }
}

/** To a camera that begins with an intra picture. */
export async function idrAtPlay(): Promise<number[]> {
  const world = await openJourney('own', { idrAtPlay: true });
  try {
    await pairAndOpenCamera(world);
    await openOnce(world.owner);
    const opens: number[] = [];
    for (let turn = 1; turn <= OPENS; turn += 1) {
      progress(`open ${turn} of ${OPENS}, camera that begins with an intra picture`);
      await wait(BETWEEN_MS + randomInt(1_000));
      opens.push(await openOnce(world.owner));
    }
    return opens;
  } finally {
    await world.close();
  }
}
