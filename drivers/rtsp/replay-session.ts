/**
 * One RTSP session that replays a recording (ONVIF Streaming Specification, clause 6). It is read no faster than its pictures are taken, and serves
 * one reader after another: seeking is another PLAY with `Immediate`, and what still comes of the one before is told apart by its CSeq.
 */
import {
  type DriverClock,
  DriverError,
  type DriverLog,
  type FootagePicture,
  type FootageWish,
  type ReplayRequest,
  type VideoTrack,
} from '../port.js';
import { certificatesOf } from './certificates.js';
import { Connection } from './connection.js';
import { Credentials, exchange, requireOk } from './exchange.js';
import { headerOf, numberOf, parseSession, parseTransport, type RtspResponse } from './messages.js';
import { type ReplayedPicture, ReplayPictures } from './replay-pictures.js';
import { chooseVideo, parseSdp } from './sdp.js';
import { basePath, controlPaths, formatRtspUri, type RtspUri, requireRtspUri } from './uri.js';

/** What a session is given. */
export interface ReplayParts {
  readonly clock: DriverClock;
  readonly log: DriverLog;
}

const TEARDOWN_MS = 300;
/** Enough for a second and a half at 25 a second: more is left with the camera. */
const MOST_WAITING = 40;
const MOST_WAITING_BYTES = 4 * 1024 * 1024;
/** A short replay may come whole in front of the answer to PLAY; a camera that sends more than this and does not answer is let go. */
const MOST_EARLY = 400;
const MOST_EARLY_BYTES = 16 * 1024 * 1024;
/** What a unit costs beside its bytes. */
const UNIT_BYTES = 128;
/** A camera that plays, is read, and sends nothing for so long has nothing more. */
const SILENCE_MS = 3_000;
const KEEP_ALIVE_MS = 20_000;
const REPLAY = 'onvif-replay';

interface Asking {
  resolve(picture: FootagePicture | undefined): void;
  reject(reason: DriverError): void;
}

/** The reader is not wanted any more. */
export const given = (): DriverError => new DriverError('driver.aborted', 'Reading recordings was given up.');

/** `20261124T194500.120Z` of the `clock` range (RFC 2326 3.7). */
const clockOf = (atMs: number): string => new Date(atMs).toISOString().replaceAll(/[-:]/g, '');

/** The Range and what goes with it. Backwards the range is given from the later end. */
export function playFields({ startMs, fromMs, toMs, isReverse, isIntraOnly }: FootageWish): Readonly<Record<string, string>> {
  const end = isReverse ? fromMs : toMs;
  return {
    Require: REPLAY,
    Range: `clock=${clockOf(startMs)}-${clockOf(Math.min(end, 4_102_444_800_000))}`,
    'Rate-Control': 'no',
    Immediate: 'yes',
    ...(isIntraOnly || isReverse ? { Frames: 'intra' } : {}),
    ...(isReverse ? { Scale: '-1.0' } : {}),
  };
}

/** See the head of the file. */
export class ReplaySession {
  readonly #parts: ReplayParts;
  readonly #target: RtspUri;
  readonly #credentials: Credentials;
  readonly #connection: Connection;
  #controlUri = '';
  #sessionId: string | undefined;
  #pictures: ReplayPictures | undefined;
  #waiting: ReplayedPicture[] = [];
  #waitingBytes = 0;
  /** CSeq of the PLAY whose pictures are taken; undefined while none is: what comes then is kept until its number is known. */
  #play: number | undefined;
  #playBefore: number | undefined;
  #isPlayAsked = false;
  #isOver = false;
  /** Pictures that depend on an intra picture outside the bounds are left out. */
  #needsIntra = true;
  #asking: Asking | undefined;
  #silence: { cancel(): void } | undefined;
  #keepAlive: { cancel(): void } | undefined;
  #wish: FootageWish | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: ReplayParts, request: Omit<ReplayRequest, 'wish' | 'signal'>) {
    this.#parts = parts;
    this.#target = requireRtspUri(request.uri, request.allowedHost);
    this.#credentials = new Credentials(request.login);
    this.#connection = new Connection({
      target: this.#target,
      clock: parts.clock,
      log: parts.log,
      onPacket: (channel, buffer, start, end) => {
        if (channel === this.#connection.framer.rtpChannel && this.#isPlayAsked) this.#pictures?.push(buffer, start, end);
      },
      onCertificate: (fingerprint) => {
        if (!certificatesOf(parts.clock).isExpected(this.#target, fingerprint, parts.log)) this.#credentials.distrust();
      },
    });
    this.#connection.whenDown((reason) => {
      this.#silence?.cancel();
      this.#keepAlive?.cancel();
      this.#asking?.reject(reason);
      this.#asking = undefined;
    });
  }

  get isDown(): boolean {
    return this.#connection.reason !== undefined;
  }

  /** DESCRIBE and SETUP; waits until `destroy` where the camera does not answer. Rejects with DriverError; the connection is gone then. */
  async open(): Promise<void> {
    try {
      await this.#setUp();
    } catch (cause) {
      this.destroy(
        cause instanceof DriverError ? cause : new DriverError('camera.bad_answer', 'The camera’s answer cannot be used.', { cause }),
      );
      throw this.#connection.reason ?? cause;
    }
    this.#renew();
  }

  /** Begins to play; pictures of an earlier PLAY are dropped. Waits until `destroy` where the camera does not answer. */
  async play(wish: FootageWish): Promise<void> {
    this.#wish = wish;
    this.#forget();
    // What still comes of the PLAY before is told apart by its number.
    this.#playBefore = this.#play === undefined ? this.#playBefore : this.#play & 0xff;
    this.#play = undefined;
    this.#isPlayAsked = true;
    this.#isOver = false;
    this.#needsIntra = true;
    this.#pictures?.reset();
    this.#connection.resume();
    const response = requireOk(await this.#send('PLAY', playFields(wish)), 'PLAY');
    this.#play = numberOf(response, 'cseq') ?? -1;
    this.#connection.isPlaying = true;
    const early = this.#waiting;
    this.#forget();
    for (const picture of early) this.#take(picture);
    this.#watchSilence();
  }

  /** The next picture; undefined when there is none any more. */
  next(): Promise<FootagePicture | undefined> {
    const picture = this.#waiting.shift();
    if (picture !== undefined) {
      this.#waitingBytes -= sizeOf(picture);
      if (this.#waiting.length < MOST_WAITING / 2 && this.#waitingBytes < MOST_WAITING_BYTES / 2) this.#connection.resume();
      return Promise.resolve(picture);
    }
    if (this.#closing !== undefined) return Promise.reject(given());
    if (this.#isOver) return Promise.resolve(undefined);
    const { reason } = this.#connection;
    if (reason !== undefined) return Promise.reject(reason);
    return new Promise((resolve, reject) => {
      this.#asking = { resolve, reject };
      this.#watchSilence();
    });
  }

  /** Nothing more is taken of this PLAY; the camera is told to stand still, and what it sent already is thrown away. */
  pause(): void {
    this.#still();
    this.#send('PAUSE', { Require: REPLAY }).catch((error: unknown) =>
      this.#parts.log.debug('the camera did not pause its replay', { error }),
    );
  }

  destroy(reason: DriverError): void {
    this.#connection.destroy(reason);
  }

  /** Nothing is handed out any more; TEARDOWN if that goes quickly. Resolves when the socket is gone. */
  close(): Promise<void> {
    this.#closing ??= this.#tearDown();
    return this.#closing;
  }

  async #tearDown(): Promise<void> {
    const gone = new DriverError('driver.aborted', 'The replay was ended by the recorder.');
    if (!this.isDown) {
      this.#still();
      const late = this.#parts.clock.after(TEARDOWN_MS, () => this.destroy(gone));
      await this.#send('TEARDOWN', {}).catch(() => undefined);
      late.cancel();
    }
    this.destroy(gone);
    await this.#connection.closed;
  }

  #still(): void {
    this.#asking?.reject(given());
    this.#asking = undefined;
    this.#silence?.cancel();
    this.#isPlayAsked = false;
    this.#forget();
    this.#connection.resume();
  }

  async #setUp(): Promise<void> {
    const uri = formatRtspUri(this.#target);
    const response = requireOk(await this.#ask('DESCRIBE', uri, { Accept: 'application/sdp', Require: REPLAY }), 'DESCRIBE');
    const sdp = parseSdp(Buffer.from(response.body).toString('utf8'));
    const choice = chooseVideo(sdp);
    if (choice.track === undefined) throw new DriverError('stream.unsupported', 'The recording is neither H.264 nor H.265.');
    this.#pictures = new ReplayPictures(choice.track as VideoTrack, (picture) => this.#take(picture));
    const base = basePath(headerOf(response, 'content-base') ?? headerOf(response, 'content-location'), this.#target.path);
    const aggregate = controlPaths(sdp.control, base, this.#target.path)[0] ?? base;
    const paths = choice.control === undefined ? [aggregate] : controlPaths(choice.control, base, this.#target.path);
    let setup: RtspResponse | undefined;
    for (const path of paths) {
      const fields = { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1', Require: REPLAY };
      setup = await this.#ask('SETUP', formatRtspUri(this.#target, path), fields);
      if (setup.status < 400) break;
    }
    if (setup === undefined) throw new DriverError('camera.bad_answer', 'The camera names no address for its recording.');
    const channels = parseTransport(headerOf(requireOk(setup, 'SETUP'), 'transport'));
    if (channels === undefined) throw new DriverError('stream.unsupported', 'The camera does not offer its recording over TCP.');
    const { payloadType } = choice.track;
    Object.assign(this.#connection.framer, { rtpChannel: channels.rtp, rtcpChannel: channels.rtcp, payloadType });
    const { id } = parseSession(headerOf(setup, 'session') ?? '');
    this.#sessionId = id === '' ? undefined : id;
    this.#controlUri = formatRtspUri(this.#target, aggregate);
  }

  #take(picture: ReplayedPicture): void {
    if (this.#play === undefined && picture.play !== undefined && picture.play === this.#playBefore) return;
    if (this.#play !== undefined && picture.play !== undefined && picture.play !== (this.#play & 0xff)) return;
    if (this.#play !== undefined && (this.#isOver || this.#isOutside(picture.atMs))) return;
    if (this.#play !== undefined && this.#needsIntra && !picture.isIntra) return;
    this.#needsIntra = this.#needsIntra && this.#play === undefined;
    this.#silence?.cancel();
    // Before its number is known nothing is over: a short replay may have come whole in front of the answer's turn.
    if (picture.isLast && this.#play !== undefined) this.#isOver = true;
    if (this.#asking !== undefined && this.#play !== undefined) {
      this.#asking.resolve(picture);
      this.#asking = undefined;
      return;
    }
    this.#waiting.push(picture);
    this.#waitingBytes += sizeOf(picture);
    // The answer to PLAY may stand behind these: they are read on for it, but not for ever.
    if (this.#play === undefined) {
      if (this.#waiting.length <= MOST_EARLY && this.#waitingBytes <= MOST_EARLY_BYTES) return;
      this.#forget();
      this.destroy(new DriverError('camera.bad_answer', 'The camera sends its recording without saying that it plays it.'));
      return;
    }
    if (this.#waiting.length >= MOST_WAITING || this.#waitingBytes >= MOST_WAITING_BYTES) this.#connection.pause();
  }

  /** Cameras that ignore the end of the range must not make the recorder read on. */
  #isOutside(atMs: number): boolean {
    const { isReverse = false, fromMs = 0, toMs = 0 } = this.#wish ?? {};
    const isPast = isReverse ? atMs < fromMs : atMs >= toMs;
    if (!isPast) return isReverse ? atMs >= toMs : atMs < fromMs;
    this.#isOver = true;
    this.#asking?.resolve(undefined);
    this.#asking = undefined;
    return true;
  }

  #watchSilence(): void {
    this.#silence?.cancel();
    this.#silence = this.#parts.clock.after(SILENCE_MS, () => {
      if (this.#asking === undefined) return;
      this.#isOver = true;
      this.#asking.resolve(undefined);
      this.#asking = undefined;
    });
  }

  #forget(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** While reading stands still answers do too: a keep-alive is sent all the same, and nobody waits for it. */
  #renew(): void {
    if (this.isDown) return;
    this.#keepAlive = this.#parts.clock.after(
      KEEP_ALIVE_MS,
      () => {
        this.#send('GET_PARAMETER', {}).catch(() => undefined);
        this.#renew();
      },
      true,
    );
  }

  #send(method: string, fields: Readonly<Record<string, string>>): Promise<RtspResponse> {
    return this.#ask(method, this.#controlUri, { Session: this.#sessionId, ...fields });
  }

  #ask(method: string, uri: string, fields: Readonly<Record<string, string | undefined>>): Promise<RtspResponse> {
    return exchange(this.#connection, this.#credentials, { method, uri, isSecure: this.#target.isSecure, fields });
  }
}

const sizeOf = (picture: FootagePicture): number => picture.nals.reduce((sum, nal) => sum + nal.length + UNIT_BYTES, 0);
