/**
 * From the camera's lens to the viewer's glass: the clip carries each picture's number as blocks, the camera sends picture n at n times 40 ms of the wall
 * clock, and the page reads the number off the picture in the moment in which it is shown. Nobody exchanges clocks.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mark, openJourney } from '../../../test/journeys/portal-rig.js';
import { ROOT } from '../../root.js';
import { pairAndOpenCamera } from './live-opens.js';

const CLIP_FRAMES = 500;
const FRAME_MS = 40;
/** The first seconds fill buffers and warm the decoder. */
const SETTLE_MS = 4_000;

/** Runs in the page, which must not load scripts from elsewhere: the reader of the blocks comes with the question. */
const inPage = (forMs: number): string => {
  const reader = readFileSync(join(ROOT, '.build', 'test', 'peers', 'onvif-camera', 'frame-code.js'), 'utf8').replaceAll('export ', '');
  return `(async () => {
    ${reader}
    const video = document.querySelector('[data-test="live"] video') ?? document.querySelector('video');
    const canvas = new OffscreenCanvas(1280, 32);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const seen = [];
    const endMs = performance.now() + ${forMs};
    await new Promise((resolve) => {
      const look = (nowMs) => {
        if (nowMs > endMs) return resolve();
        video.requestVideoFrameCallback(look);
        context.drawImage(video, 0, 0, video.videoWidth, 32 * video.videoWidth / 1280, 0, 0, 1280, 32);
        const number = readFrameNumber(context.getImageData(0, 0, 1280, 32).data, 1280);
        if (number !== undefined) seen.push([number, performance.timeOrigin + nowMs]);
      };
      video.requestVideoFrameCallback(look);
    });
    return seen;
  })()`;
};

/** Milliseconds from the moment in which the camera sends a picture until the page shows it, for every picture of `forMs`. */
export async function glassToGlass(forMs: number): Promise<number[]> {
  // A camera that is asked for an intra picture leaves its phase, and the number would no longer tell the time.
  const world = await openJourney('own', { ignoresSync: true });
  try {
    await pairAndOpenCamera(world);
    await mark(world.owner, 'watch').click();
    await mark(world.owner, 'live').waitFor();
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const seen = (await world.owner.evaluate(inPage(forMs))) as [number, number][];
    const circle = CLIP_FRAMES * FRAME_MS;
    return seen.map(([number, atMs]) => (((atMs - number * FRAME_MS) % circle) + circle) % circle).filter((ms) => ms < circle / 2);
  } finally {
    await world.close();
  }
}
