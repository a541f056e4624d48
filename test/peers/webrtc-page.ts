/** A viewer in Chromium for the live feature without an agent around it: the page offers, the service answers, getStats tells. */
import { randomUUID } from 'node:crypto';
import { type Browser, chromium, type Page } from 'playwright-core';
import { systemClock } from '../../agent/kernel/clock.js';
import { createLog } from '../../agent/kernel/log.js';
import type { LiveCamera, LiveCameras, LiveEvent, LiveOpened, LiveParts, StreamWish, WatchVerdict } from '../../agent/live/ports.js';
import { LiveService } from '../../agent/live/service.js';
import { createViewerPeerFactory } from '../../drivers/webrtc/factory.js';
import { until } from '../support/until.js';
import { type ClipStreams, clipStreams } from './clip-stream.js';

/** Says nothing. */
export const quietLog = createLog({ level: 'warn', clock: systemClock, write: () => undefined, format: 'text' });

/** Debian's Chromium, without a window; addresses of loopback count as usable. */
export function launchChromium(): Promise<Browser> {
  const args = ['--no-sandbox', '--allow-loopback-in-peer-connection', '--autoplay-policy=no-user-gesture-required'];
  return chromium.launch({ executablePath: '/usr/bin/chromium', args });
}

/** One camera that is up, whatever it is asked for; `parts` replaces what it names. */
export function rigCamera(parts: Partial<LiveCamera>): LiveCameras {
  return {
    resolve: (channelId) => ({
      channelId,
      state: 'up',
      reason: '',
      deviceHost: '127.0.0.1',
      login: undefined,
      codec: () => 'H264',
      source: (stream) => stream,
      streamUri: async (stream) => `rtsp://127.0.0.1/${stream}`,
      synchronize: async () => undefined,
      ...parts,
    }),
  };
}

/** A live service on loopback with one camera made of a clip. */
export interface PageRig {
  readonly service: LiveService;
  readonly streams: ClipStreams;
  readonly events: LiveEvent[];
  readonly state: { verdict: WatchVerdict };
}

/** `parts` replaces what it names. */
export function pageRig(parts: Partial<LiveParts> = {}, streams: ClipStreams = clipStreams({ inBandSets: true })): PageRig {
  const events: LiveEvent[] = [];
  const state: { verdict: WatchVerdict } = { verdict: { ok: true } };
  const service = new LiveService({
    clock: systemClock,
    log: quietLog,
    streams,
    peers: createViewerPeerFactory({ clock: systemClock, log: quietLog }),
    cameras: rigCamera({ synchronize: async () => streams.synchronize() }),
    mayWatch: () => state.verdict,
    onEvent: (event) => events.push(event),
    newSessionId: randomUUID,
    bindAddress: '127.0.0.1',
    limits: { openPeriodMs: 0 },
    ...parts,
  });
  return { streams, events, state, service };
}

/** What the page measures; lives in the browser. */
export interface PageViewer {
  pc: RTCPeerConnection;
  video: HTMLVideoElement;
  askedAt: number;
  firstFrameMs: number;
}

/** `sections`: media sections in front of the video. `route`: changes the answer on its way. */
export interface WatchOptions {
  readonly sections?: readonly string[];
  readonly stream?: StreamWish;
  readonly sound?: boolean;
  readonly route?: (answerSdp: string) => string;
  readonly rtc?: RTCConfiguration;
}

/** Opens in the page and waits for the first decoded picture, 15 s at most. */
export async function watchInPage(
  page: Page,
  service: LiveService,
  options: WatchOptions = {},
): Promise<LiveOpened & { firstFrameMs: number }> {
  const offerSdp = await page.evaluate(makeOffer, { kinds: options.sections ?? [], rtc: options.rtc ?? {} });
  const opened = await service.open({
    ticket: { channelId: 'cam-1', viewerId: 'dana', proof: undefined },
    offerSdp,
    stream: options.stream,
    sound: options.sound,
  });
  await page.evaluate(async (sdp) => {
    const { viewer } = globalThis as unknown as { viewer: PageViewer };
    await viewer.pc.setRemoteDescription({ type: 'answer', sdp });
  }, options.route?.(opened.answerSdp) ?? opened.answerSdp);
  await page.waitForFunction(() => (globalThis as unknown as { viewer: PageViewer }).viewer.firstFrameMs > 0, undefined, {
    timeout: 15_000,
  });
  const firstFrameMs = await page.evaluate(() => (globalThis as unknown as { viewer: PageViewer }).viewer.firstFrameMs);
  return { ...opened, firstFrameMs };
}

/** Runs in the page. */
async function makeOffer({ kinds, rtc }: { kinds: readonly string[]; rtc: RTCConfiguration }): Promise<string> {
  const pc = new RTCPeerConnection({ iceServers: [], ...rtc });
  for (const kind of kinds) pc.addTransceiver(kind, { direction: 'recvonly' });
  pc.addTransceiver('video', { direction: 'recvonly' });
  pc.createDataChannel('clock');
  const video = document.createElement('video');
  video.muted = true;
  document.body.append(video);
  const viewer: PageViewer = { pc, video, askedAt: 0, firstFrameMs: 0 };
  pc.ontrack = (event) => {
    if (event.track.kind === 'audio') {
      // Played, because nothing is decoded that nobody plays.
      const audio = new Audio();
      audio.srcObject = new MediaStream([event.track]);
      audio.play().catch(() => undefined);
      return;
    }
    video.srcObject = new MediaStream([event.track]);
    video.play().catch(() => undefined);
  };
  video.requestVideoFrameCallback(() => {
    viewer.firstFrameMs = performance.now() - viewer.askedAt;
  });
  Object.assign(globalThis, { viewer });
  await pc.setLocalDescription();
  if (rtc.iceTransportPolicy === 'relay' && pc.iceGatheringState !== 'complete')
    await new Promise((resolve) =>
      pc.addEventListener('icegatheringstatechange', () => pc.iceGatheringState === 'complete' && resolve(null)),
    );
  viewer.askedAt = performance.now();
  return pc.localDescription?.sdp ?? '';
}

/** Of getStats, what the tests look at; of the video unless `kind` says otherwise. */
export interface Inbound {
  readonly framesDecoded: number;
  readonly frameHeight: number;
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly nackCount: number;
  readonly pliCount: number;
  readonly freezeCount: number;
  readonly keyFramesDecoded: number;
  readonly totalAudioEnergy: number;
  readonly audioLevel: number;
}

export const inbound = (page: Page, kind = 'video'): Promise<Inbound> =>
  page.evaluate(async (wanted) => {
    const stats = await (globalThis as unknown as { viewer: PageViewer }).viewer.pc.getStats();
    return [...stats.values()].find((entry) => entry.type === 'inbound-rtp' && entry.kind === wanted);
  }, kind);

/** Waits until `count` pictures are decoded, and the picture is `height` pixels high if that is said. */
export const decoded = (page: Page, count: number, height?: number): Promise<unknown> =>
  until(`${count} pictures of ${height ?? 'any'} pixels are decoded`, async () => {
    const stats = await inbound(page);
    return stats.framesDecoded >= count && (height === undefined || stats.frameHeight === height);
  });

/** What a viewer behind a lossy line saw. */
export interface LossFigures {
  readonly seconds: number;
  readonly frames: number;
  /** Pictures that the camera sent in that time. */
  readonly sent: number;
  readonly freezes: number;
  readonly freezesPerMinute: number;
  readonly nacks: number;
}

/** Watches for `seconds` what `inbound` counts meanwhile. The camera has 25 pictures a second. */
export async function observeLoss(page: Page, seconds: number): Promise<LossFigures> {
  const [before, beganAt] = [await inbound(page), performance.now()];
  await page.waitForTimeout(seconds * 1000);
  const [after, tookS] = [await inbound(page), (performance.now() - beganAt) / 1000];
  const freezes = after.freezeCount - before.freezeCount;
  return {
    seconds: tookS,
    frames: after.framesDecoded - before.framesDecoded,
    sent: Math.round(tookS * 25),
    freezes,
    freezesPerMinute: (freezes * 60) / tookS,
    nacks: after.nackCount - before.nackCount,
  };
}

/** Loses a share of the media datagrams towards the viewer, the same ones in every run. */
export function seededLoss(share: number, seed = 1): (datagram: Buffer, towards: 'viewer' | 'recorder') => boolean {
  let state = seed >>> 0;
  return (datagram, towards) => {
    const first = datagram[0] ?? 0;
    if (towards !== 'viewer' || first < 128 || first > 191) return false;
    // A linear congruential generator is random enough for a line (Numerical Recipes).
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 < share;
  };
}

/** Kinds of the two ends of the connection that carries the media, as the viewer sees them: its own, the recorder's. */
export const selectedPair = (page: Page): Promise<readonly string[]> =>
  page.evaluate(async () => {
    const stats = await (globalThis as unknown as { viewer: PageViewer }).viewer.pc.getStats();
    const all = [...stats.values()];
    const transport = all.find((entry) => entry.type === 'transport');
    const pair = all.find((entry) => entry.id === transport?.selectedCandidatePairId);
    return [pair?.localCandidateId, pair?.remoteCandidateId].map((id) => all.find((entry) => entry.id === id)?.candidateType ?? '');
  });
