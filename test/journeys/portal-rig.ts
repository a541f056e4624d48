import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { type Portal, startPortal } from '../../scripts/portal/server.js';
import { type GstCamera, startGstCamera } from '../peers/gst-camera.js';
import type { CameraOptions } from '../peers/onvif-camera/camera-options.js';
import { type OnvifCamera, startOnvifCamera } from '../peers/onvif-camera/onvif-camera.js';
import { type PelcoCamera, type PtyPair, startPelcoCamera, startPtyPair } from '../peers/pelco-camera.js';
import { type AgentProcess, startAgent } from '../support/agent-process.js';
import { openChromium } from '../support/chromium.js';
import { CLIP_MS, clipFile, fillFolder, pathOf } from '../support/footage-clips.js';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.js';
import { TENANT } from '../support/people.js';

const CAMERA_PASSWORD = 'camera-pass';
const today = new Date();
/** When the first camera's recordings begin: yesterday at noon. Four clips without a gap, then one ten minutes later. */
export const RECORDED_AT = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1, 12).getTime();
/** Everything that the journey needs, as separate as in real life: camera, serial camera, broker, portal, agent, two people's browsers. */
export interface JourneyWorld {
  readonly folder: string;
  readonly camera: OnvifCamera;
  readonly pelco: PelcoCamera;
  readonly portal: Portal;
  readonly agent: AgentProcess;
  readonly owner: Page;
  readonly installer: Page;
  /** Console errors and failed requests of both pages. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

async function makeFootage(folder: string): Promise<string> {
  const footage = join(folder, 'footage');
  const names = [0, 1, 2, 3, 33].map((clips) => `door/${pathOf(RECORDED_AT + clips * CLIP_MS)}.mp4`);
  await fillFolder(footage, names, await clipFile('plain'));
  return footage;
}

/** `peers`: the camera's stream by GStreamer and the relay by mosquitto, instead of our own. */
export async function openJourney(peers: 'own' | 'independent', cameraOptions: CameraOptions = {}): Promise<JourneyWorld> {
  const ends: (() => Promise<unknown>)[] = [];
  const onEnd = <T>(made: T, end: (made: T) => Promise<unknown>): T => {
    ends.push(() => end(made));
    return made;
  };
  const close = async (): Promise<void> => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const folder = onEnd(await mkdtemp(join(tmpdir(), 'sightline-journey-')), (path) => rm(path, { recursive: true, force: true }));
    const footage = await makeFootage(folder);
    const gst: GstCamera | undefined =
      peers === 'own' ? undefined : onEnd(await startGstCamera({ user: 'admin', password: CAMERA_PASSWORD }), (made) => made.stop());
    const camera = onEnd(
      await startOnvifCamera({
        password: CAMERA_PASSWORD,
        name: 'Front door',
        ...cameraOptions,
        ...(gst === undefined ? {} : { externalRtsp: (kind) => gst.rtspUri(kind) }),
      }),
      (made) => made.stop(),
    );
    const pty: PtyPair = onEnd(await startPtyPair(), (made) => made.stop());
    const pelco = onEnd(await startPelcoCamera({ device: pty.far, address: 1 }), (made) => made.stop());
    const mosquitto: Mosquitto | undefined = peers === 'own' ? undefined : onEnd(await startMosquitto(), (made) => made.stop());
    const portal = onEnd(
      await startPortal({ port: 0, mqttPort: 0, tenant: TENANT, ...(mosquitto === undefined ? {} : { relayUrl: mosquitto.wsUrl }) }),
      (made) => made.stop(),
    );
    const agent = onEnd(
      await startAgent(join(folder, 'state'), {
        cloud: { url: mosquitto?.url ?? portal.mqttUrl, tenant: TENANT },
        cameras: { discoveryAddresses: ['127.0.0.1'], logins: [{ user: 'admin', password: CAMERA_PASSWORD }] },
        serial: [{ path: pty.near, baudRate: 2400, parity: 'none', protocol: 'pelco-d', units: { '1': 'cam-1' } }],
        live: { bindAddress: '127.0.0.1' },
        recordings: { folders: [{ root: footage, pattern: '{camera}/%Y-%m-%d/%H/%M.%S.mp4', zone: 'UTC', cameras: { 'cam-1': 'door' } }] },
      }),
      (made) => made.stop(),
    );
    const browser: Browser = onEnd(await openChromium(), (made) => made.close());
    const complaints: string[] = [];
    const pages: Page[] = [];
    onEnd(pages, keepPictures);
    const open = async (): Promise<Page> => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, colorScheme: 'light', locale: 'en-GB' });
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      pages.push(page);
      page.on('pageerror', (error) => complaints.push(`page: ${error.message}`));
      page.on('console', (line) => line.type() === 'error' && complaints.push(`console: ${line.text()}`));
      await page.goto(portal.url);
      return page;
    };
    return { folder, camera, pelco, portal, agent, owner: await open(), installer: await open(), complaints, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The element with this `data-test` mark. */
export const mark = (page: Page, name: string) => page.locator(`[data-test="${name}"]`);

/** Keeps what a page shows, where SIGHTLINE_SCREENSHOTS names a folder. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  const folder = process.env.SIGHTLINE_SCREENSHOTS;
  if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`) });
}

/** Where SIGHTLINE_SCREENSHOTS names a folder, what each page shows at the end is kept there: to see why a step failed. */
async function keepPictures(pages: readonly Page[]): Promise<void> {
  const folder = process.env.SIGHTLINE_SCREENSHOTS;
  if (folder === undefined) return;
  for (const [at, page] of pages.entries()) await page.screenshot({ path: join(folder, `end-${at}.png`) }).catch(() => undefined);
}
