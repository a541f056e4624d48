import * as z from 'zod/mini';
import { type CallOptions, type CameraFirmware, type DriverClock, DriverError } from '../port.js';
import type { LinkRequest, OnvifLink } from './link.js';
import { durationMs, pause } from './patience.js';
import { read, text } from './shapes.js';

/** A camera may stop reading while it writes to its flash, but not for so long. */
const STALL_MS = 60_000;
/** From the last byte to the answer: it checks and often installs before it answers. */
const ANSWER_MS = 300_000;
const LEARN_MS = 10_000;
const LONGEST_DELAY_MS = 60_000;
const MAX_ANSWER_BYTES = 64 * 1024;

const Start = z.object({ UploadUri: text, UploadDelay: text, ExpectedDownTime: text });

/** Cameras with an image under way, by `host:port`: whoever connects, there is one at a time. */
const underWay = new Set<string>();

/** Fires when nothing moved for too long; every piece that the camera took starts it anew. */
class Watch {
  readonly #clock: DriverClock;
  readonly #controller = new AbortController();
  #timer: { cancel(): void } | undefined;

  constructor(clock: DriverClock) {
    this.#clock = clock;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  start(limitMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(limitMs, () =>
      this.#controller.abort(new DriverError('camera.timeout', 'the camera took no more of the image', { detail: { limitMs } })),
    );
  }

  end(): void {
    this.#timer?.cancel();
  }
}

/** The image as it is sent. A source that is longer or shorter than announced ends the upload: half an image must not pass for one. */
async function* pieces(source: CameraFirmware, watch: Watch, progress: (part: number) => void): AsyncGenerator<Uint8Array> {
  let sentBytes = 0;
  for await (const piece of source.read()) {
    sentBytes += piece.byteLength;
    if (sentBytes > source.sizeBytes) break;
    watch.start(STALL_MS);
    yield piece;
    progress(Math.min(1, sentBytes / source.sizeBytes));
  }
  if (sentBytes !== source.sizeBytes) {
    throw new DriverError('camera.refused', 'the image is not as long as announced', {
      detail: { sentBytes, sizeBytes: source.sizeBytes },
    });
  }
  watch.start(ANSWER_MS);
}

/** One sending of the whole image. */
async function send(link: OnvifLink, uri: string, source: CameraFirmware, progress: (part: number) => void): Promise<number> {
  const watch = new Watch(link.clock);
  watch.start(STALL_MS);
  const request: LinkRequest = {
    method: 'POST',
    uri,
    contentType: 'application/octet-stream',
    body: pieces(source, watch, progress),
    bodyBytes: source.sizeBytes,
    maxAnswerBytes: MAX_ANSWER_BYTES,
  };
  try {
    return (await link.fetch(request, watch.signal)).status;
  } finally {
    watch.end();
  }
}

/** Asks for nothing: only to learn how the camera wants to be told who asks, before the image is on its way. */
async function learnLogin(link: OnvifLink, uri: string): Promise<void> {
  const watch = new Watch(link.clock);
  watch.start(LEARN_MS);
  await link.fetch({ method: 'GET', uri, maxAnswerBytes: MAX_ANSWER_BYTES }, watch.signal).catch(() => undefined);
  watch.end();
}

async function upload(link: OnvifLink, uri: string, source: CameraFirmware, progress: (part: number) => void): Promise<void> {
  await learnLogin(link, uri);
  let told = 0;
  const onlyForward = (part: number): void => {
    if (part > told) progress(part);
    told = Math.max(told, part);
  };
  let status: number;
  try {
    status = await send(link, uri, source, onlyForward);
  } catch (error) {
    // Some ask for the login only when the image comes; they took nothing of it, and now the login is known.
    if (!(error instanceof DriverError) || error.code !== 'camera.unauthorized') throw error;
    status = await send(link, uri, source, onlyForward);
  }
  if (status < 200 || status > 299) {
    throw new DriverError('camera.refused', `the camera did not take the image (HTTP ${status})`, { detail: { http: status } });
  }
}

/**
 * StartFirmwareUpgrade and the upload. The caller's signal counts until the first byte of the image is sent and not afterwards: a
 * camera with half an image may never start again. Resolves with the time in ms the camera expects to be away.
 */
export async function sendFirmware(
  link: OnvifLink,
  source: CameraFirmware,
  progress: (part: number) => void,
  options: CallOptions,
): Promise<number> {
  if (!Number.isSafeInteger(source.sizeBytes) || source.sizeBytes <= 0) throw new DriverError('camera.refused', 'the image is empty');
  const camera = link.reached.key;
  if (underWay.has(camera)) throw new DriverError('camera.refused', 'an image is being sent to this camera already');
  underWay.add(camera);
  try {
    const said = await link.run(options, async ({ ask }) =>
      read(
        Start,
        await ask('device', 'StartFirmwareUpgrade', '<tds:StartFirmwareUpgrade/>', { isRepeatable: false }),
        'answer to an upgrade',
      ),
    );
    await pause(link.clock, Math.min(LONGEST_DELAY_MS, durationMs(said.UploadDelay) ?? 0), options.signal);
    if (options.signal.aborted) throw new DriverError('driver.aborted', 'the caller gave up before the image was sent');
    link.log.info('sending an image to the camera', { camera, sizeBytes: source.sizeBytes });
    await upload(link, said.UploadUri, source, progress);
    return durationMs(said.ExpectedDownTime) ?? 0;
  } finally {
    underWay.delete(camera);
  }
}
