/**
 * Replay of what is on the camera's storage (ONVIF Streaming Specification, clause 6): as fast as the client reads, from an intra picture at or before
 * the time asked for, with 0xABAC in the first packet of every picture. The clip stands for the footage: its loop is in phase with the clock.
 */
import { randomBytes, randomInt } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Clip } from './clip.js';
import type { RecordedSpan } from './recordings.js';
import { HEADERS_BYTES, PAYLOAD_TYPE, packetize, rtpTime } from './rtp.js';
import { chooseTransport, type RtspRequest } from './rtsp-message.js';
import { describeClip } from './sdp.js';

/** What the tests want to know of the replays of a camera. */
export interface ReplayCounters {
  plays: number;
  /** Pictures handed to sockets. */
  pictures: number;
  /** First and last instant of the pictures handed out; undefined before the first. */
  readAtMs: { from: number; to: number } | undefined;
}

/** The camera's storage as its replays see it. */
export interface ReplayContext {
  readonly clip: () => Clip;
  readonly spans: () => readonly RecordedSpan[];
  readonly counters: ReplayCounters;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
  readonly onSent?: () => void;
}

interface Play {
  readonly fromMs: number;
  readonly toMs: number;
  readonly isReverse: boolean;
  readonly isIntraOnly: boolean;
  readonly cseq: number;
}

const MOST_UNSENT_BYTES = 128 * 1024;
const NTP_EPOCH_S = 2_208_988_800;
const EXTENSION_BYTES = 16;

const instant = (text: string): number =>
  Date.parse(text.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2}(?:\.\d+)?)Z$/, '$1-$2-$3T$4:$5:$6Z'));

/** Range, Scale and Frames of a PLAY; undefined when they make no sense. */
export function readPlay(request: RtspRequest): Play | undefined {
  const range = /^clock=(\S+?)-(\S*)$/.exec(request.headers.get('range') ?? '');
  if (range === null) return undefined;
  const isReverse = Number(request.headers.get('scale') ?? '1') < 0;
  const start = instant(range[1] ?? '');
  const end = range[2] === '' || range[2] === undefined ? (isReverse ? 0 : Number.MAX_SAFE_INTEGER) : instant(range[2]);
  if (Number.isNaN(start) || Number.isNaN(end) || (isReverse ? end > start : end < start)) return undefined;
  const [fromMs, toMs] = isReverse ? [end, start] : [start, end];
  const isIntraOnly = /^intra/.test(request.headers.get('frames') ?? '');
  return { fromMs, toMs, isReverse, isIntraOnly, cseq: Number(request.headers.get('cseq')) };
}

/** The instants of the pictures to send, in order: a generator, because a recording has no end worth listing. */
export function* instantsOf(
  clip: Pick<Clip, 'rate' | 'frames' | 'idrs'>,
  spans: readonly RecordedSpan[],
  play: Omit<Play, 'cseq'>,
): Generator<number> {
  const frameMs = 1000 / clip.rate;
  const isIdr = (count: number): boolean =>
    clip.frames[((count % clip.frames.length) + clip.frames.length) % clip.frames.length]?.isIdr === true;
  const { fromMs, toMs, isReverse } = play;
  for (const span of isReverse ? [...spans].reverse() : spans) {
    const [first, end] = [Math.ceil(span.fromMs / frameMs), Math.ceil(span.toMs / frameMs)];
    if (isReverse) {
      for (let count = Math.min(end - 1, Math.floor(toMs / frameMs)); count >= first && count * frameMs >= fromMs; count -= 1)
        if (isIdr(count)) yield count * frameMs;
      continue;
    }
    if (span.toMs <= fromMs) continue;
    let count = Math.max(first, Math.floor(fromMs / frameMs));
    while (count > first && !isIdr(count)) count -= 1;
    while (count < end && !isIdr(count)) count += 1;
    for (; count < end && count * frameMs < toMs; count += 1) if (!play.isIntraOnly || isIdr(count)) yield count * frameMs;
  }
}

/** One client's replay. */
export class Replay {
  readonly #socket: Socket;
  readonly #context: ReplayContext;
  #session: { readonly id: string; readonly rtp: number; sequence: number; readonly ssrc: number } | undefined;
  /** Rises with every PLAY and PAUSE: what an earlier one was sending stops. */
  #turn = 0;

  constructor(socket: Socket, context: ReplayContext) {
    this.#socket = socket;
    this.#context = context;
  }

  /** Answers one request that names a recording; the login was checked. */
  answer(request: RtspRequest): Answer {
    const headers = this.#session === undefined ? {} : { Session: this.#session.id };
    if (request.method === 'DESCRIBE') {
      const base = request.uri.replace(/\/?(\?.*)?$/, '/');
      const types = { 'Content-Type': 'application/sdp', 'Content-Base': base };
      return { status: 200, headers: types, body: describeClip(this.#context.clip(), this.#socket.localAddress ?? '127.0.0.1') };
    }
    if (request.headers.get('require') !== 'onvif-replay' && request.method !== 'TEARDOWN' && request.method !== 'GET_PARAMETER')
      return { status: 400 };
    if (request.method === 'SETUP') return this.#setUp(request);
    if (this.#session === undefined || request.headers.get('session') !== this.#session.id) return { status: 454 };
    if (request.method === 'PLAY') {
      const play = readPlay(request);
      return play === undefined ? { status: 457, headers } : { status: 200, headers, onSent: () => this.#play(play) };
    }
    this.#turn += 1;
    return { status: 200, headers };
  }

  end(): void {
    this.#turn += 1;
  }

  #setUp(request: RtspRequest): Answer {
    const channels = chooseTransport(request.headers.get('transport') ?? '');
    if (channels === undefined) return { status: 461 };
    this.#session = {
      id: randomBytes(8).toString('hex'),
      rtp: channels.rtp,
      sequence: randomInt(65_536),
      ssrc: randomBytes(4).readUInt32BE(0),
    };
    const transport = `RTP/AVP/TCP;unicast;interleaved=${channels.rtp}-${channels.rtcp}`;
    return { status: 200, headers: { Transport: transport, Session: `${this.#session.id};timeout=60` } };
  }

  #play(play: Play): void {
    this.#turn += 1;
    this.#context.counters.plays += 1;
    const instants = instantsOf(this.#context.clip(), this.#context.spans(), play);
    this.#send(play, instants, instants.next(), this.#turn, true);
  }

  /** Sends until the socket has enough, and goes on when it has drained: the client sets the pace. */
  #send(play: Play, instants: Generator<number>, first: IteratorResult<number>, turn: number, isFirst: boolean): void {
    let next = first;
    let isDiscontinuous = isFirst;
    while (turn === this.#turn && !this.#socket.destroyed && next.done !== true) {
      if (this.#socket.writableLength > MOST_UNSENT_BYTES) {
        this.#socket.once('drain', () => this.#send(play, instants, next, turn, isDiscontinuous));
        return;
      }
      const atMs = next.value;
      next = instants.next();
      this.#socket.write(this.#picture(atMs, play.cseq, isDiscontinuous, next.done === true));
      isDiscontinuous = play.isReverse;
    }
  }

  #picture(atMs: number, cseq: number, isDiscontinuous: boolean, isLast: boolean): Buffer {
    const { counters } = this.#context;
    const clip = this.#context.clip();
    const frame = clip.frames[Math.round((atMs * clip.rate) / 1000) % clip.frames.length] ?? clip.frames[0];
    const session = this.#session;
    if (frame === undefined || session === undefined) return Buffer.alloc(0);
    counters.pictures += 1;
    const read = counters.readAtMs ?? { from: atMs, to: atMs };
    counters.readAtMs = { from: Math.min(read.from, atMs), to: Math.max(read.to, atMs) };
    const bits = (frame.isIdr ? 0x80 : 0) | (isDiscontinuous ? 0x20 : 0) | (isLast ? 0x10 : 0);
    return Buffer.concat(
      packetize(clip, frame).map((payload, index, all) => {
        const extension = index === 0 ? extensionOf(atMs, bits, cseq) : Buffer.alloc(0);
        const head = Buffer.alloc(HEADERS_BYTES);
        head[0] = 0x24;
        head[1] = session.rtp;
        head.writeUInt16BE(12 + extension.length + payload.length, 2);
        head[4] = index === 0 ? 0x90 : 0x80;
        head[5] = PAYLOAD_TYPE | (index === all.length - 1 ? 0x80 : 0);
        head.writeUInt16BE(session.sequence & 0xffff, 6);
        head.writeUInt32BE(rtpTime(atMs) >>> 0, 8);
        head.writeUInt32BE(session.ssrc, 12);
        session.sequence += 1;
        return Buffer.concat([head, extension, payload]);
      }),
    );
  }
}

function extensionOf(atMs: number, bits: number, cseq: number): Buffer {
  const out = Buffer.alloc(EXTENSION_BYTES);
  out.writeUInt16BE(0xabac, 0);
  out.writeUInt16BE(3, 2);
  out.writeUInt32BE((Math.floor(atMs / 1000) + NTP_EPOCH_S) >>> 0, 4);
  out.writeUInt32BE(Math.floor(((atMs % 1000) / 1000) * 2 ** 32) >>> 0, 8);
  out[12] = bits;
  out[13] = cseq & 0xff;
  return out;
}
