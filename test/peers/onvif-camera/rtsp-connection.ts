/** One RTSP client: its requests, and the session that plays into the same connection. */
import { randomBytes, randomInt } from 'node:crypto';
import type { Socket } from 'node:net';
import type { PlayedFrame, PlayOut } from './play-out.js';
import { Replay } from './replay.js';
import { frameBytes, rtpTime, senderReport } from './rtp.js';
import type { RtspContext, StreamKind } from './rtsp-context.js';
import { chooseTransport, createRtspReader, type RtspRequest, rtspAnswer } from './rtsp-message.js';
import { describeClip } from './sdp.js';

/** A client with this much unread is dropped: a camera's memory is small. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;
const REPORT_EVERY_MS = 5000;
const PUBLIC = 'OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, TEARDOWN';

interface Session {
  readonly id: string;
  readonly kind: StreamKind;
  readonly stream: PlayOut;
  readonly channels: { readonly rtp: number; readonly rtcp: number };
  readonly ssrc: number;
  sequence: number;
  packets: number;
  octets: number;
  reportAt: number;
  unwatch: (() => void) | undefined;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
  /** Done once the answer is on its way: playing starts, or the session ends. */
  readonly onSent?: () => void;
}

/** The stream and the control part of a request's URI; undefined when there is no such stream. */
function parsePath(uri: string): { kind: StreamKind; isTrack: boolean } | undefined {
  const path = /^rtsps?:\/\/[^/?]+\/([^?]*)(?:\?.*)?$/i.exec(uri)?.[1];
  const match = /^(main|sub)\/?(trackID=0)?$/.exec(path ?? '');
  return match === null ? undefined : { kind: match[1] as StreamKind, isTrack: match[2] !== undefined };
}

/** Whether a request is about what is on the camera's storage. */
const isReplay = (uri: string): boolean => /^rtsps?:\/\/[^/?]+\/replay\/recording_0(\/(trackID=0)?)?$/i.test(uri);

/** Serves one socket until it closes; errors of the socket only end it. */
export class RtspConnection {
  readonly #socket: Socket;
  readonly #context: RtspContext;
  readonly #replay: Replay | undefined;
  #session: Session | undefined;
  #idle: NodeJS.Timeout | undefined;
  /** Answers go out in the order of their requests, also when each is delayed. */
  #order: Promise<void> = Promise.resolve();

  constructor(socket: Socket, context: RtspContext) {
    this.#socket = socket;
    this.#context = context;
    this.#replay = context.replay === undefined ? undefined : new Replay(socket, context.replay);
    const read = createRtspReader();
    socket.setNoDelay(true);
    this.#keepAlive();
    socket.on('data', (piece) => {
      this.#keepAlive();
      for (const input of read(piece)) {
        if (input.kind === 'request') this.#order = this.#order.then(() => this.#serve(input.request));
        else if (input.kind === 'broken') socket.end(rtspAnswer(400, undefined));
      }
    });
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(this.#idle);
      this.#endSession();
      this.#replay?.end();
    });
  }

  /** Requests and RTCP both prove that the client is there. */
  #keepAlive(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#socket.destroy(), this.#context.sessionTimeoutS * 1000);
  }

  async #serve(request: RtspRequest): Promise<void> {
    if (this.#context.hangs?.() === true) return;
    const slowMs = this.#context.slowMs();
    if (slowMs > 0) await new Promise((resolve) => setTimeout(resolve, slowMs).unref());
    if (this.#socket.destroyed) return;
    const cseq = request.headers.get('cseq');
    const isNumbered = cseq !== undefined && /^\d+$/.test(cseq);
    const answer: Answer = isNumbered ? this.#answer(request) : { status: 400 };
    this.#socket.write(rtspAnswer(answer.status, isNumbered ? cseq : undefined, answer.headers, answer.body), 'latin1');
    answer.onSent?.();
  }

  #answer(request: RtspRequest): Answer {
    const required = request.headers.get('require');
    if (required !== undefined && !(required === 'onvif-replay' && isReplay(request.uri)))
      return { status: 551, headers: { Unsupported: required } };
    if (request.method === 'OPTIONS') return { status: 200, headers: { Public: PUBLIC } };
    if (!PUBLIC.split(', ').includes(request.method)) return { status: 405, headers: { Allow: PUBLIC } };
    const auth = this.#context.auth();
    if (auth !== undefined) {
      const found = auth.verify(request.headers.get('authorization') ?? '', request.method, request.uri);
      if (found === undefined || found === 'stale')
        return { status: 401, headers: { 'WWW-Authenticate': auth.challenges(found === 'stale') } };
    }
    if (isReplay(request.uri)) return this.#replay?.answer(request) ?? { status: 404 };
    const path = parsePath(request.uri);
    if (path === undefined || request.method === 'PAUSE') return { status: path === undefined ? 404 : 455 };
    if (request.method === 'DESCRIBE') return this.#describe(request, path.kind);
    if (request.method === 'SETUP') return this.#setup(request, path);
    if (request.method === 'GET_PARAMETER') {
      return { status: 200, ...(this.#session === undefined ? {} : { headers: { Session: this.#session.id } }) };
    }
    return this.#answerInSession(request, path.kind);
  }

  #describe(request: RtspRequest, kind: StreamKind): Answer {
    const accept = request.headers.get('accept');
    if (accept !== undefined && !/application\/sdp|\*\/\*/.test(accept)) return { status: 406 };
    const stream = this.#context.streams.get(kind);
    if (stream === undefined) return { status: 404 };
    const headers = { 'Content-Type': 'application/sdp', 'Content-Base': request.uri.replace(/\/?(\?.*)?$/, '/') };
    return { status: 200, headers, body: describeClip(stream.clip, this.#socket.localAddress ?? '127.0.0.1') };
  }

  #setup(request: RtspRequest, path: { kind: StreamKind; isTrack: boolean }): Answer {
    const stream = this.#context.streams.get(path.kind);
    if (stream === undefined || !path.isTrack) return { status: path.isTrack ? 404 : 459 };
    if (this.#session !== undefined) return { status: 455 };
    const channels = chooseTransport(request.headers.get('transport') ?? '');
    if (channels === undefined) return { status: 461 };
    const [id, ssrc] = [randomBytes(8).toString('hex'), randomBytes(4).readUInt32BE(0)];
    const start = { sequence: randomInt(65_536), packets: 0, octets: 0, reportAt: 0, unwatch: undefined };
    this.#session = { id, kind: path.kind, stream, channels, ssrc, ...start };
    const transport = `RTP/AVP/TCP;unicast;interleaved=${channels.rtp}-${channels.rtcp};ssrc=${ssrc.toString(16).padStart(8, '0')}`;
    return { status: 200, headers: { Transport: transport, Session: `${id};timeout=${this.#context.sessionTimeoutS}` } };
  }

  #answerInSession(request: RtspRequest, kind: StreamKind): Answer {
    const session = this.#session;
    const id = (request.headers.get('session') ?? '').split(';')[0]?.trim();
    if (session === undefined || id !== session.id || session.kind !== kind) return { status: 454 };
    if (request.method === 'TEARDOWN') return { status: 200, headers: { Session: session.id }, onSent: () => this.#endSession() };
    const track = `${request.uri.replace(/\/?(\?.*)?$/, '')}/trackID=0`;
    const headers = { Session: session.id, Range: 'npt=now-', 'RTP-Info': `url=${track};seq=${session.sequence}` };
    return { status: 200, headers, onSent: () => this.#startPlaying(session) };
  }

  #startPlaying(session: Session): void {
    if (session.unwatch !== undefined || session !== this.#session || this.#socket.destroyed) return;
    const { counters, idrAtPlay } = this.#context;
    counters.plays += 1;
    counters.playingSessions += 1;
    session.unwatch = session.stream.watch((frame) => this.#sendFrame(session, frame));
    if (idrAtPlay) session.stream.synchronize();
  }

  #endSession(): void {
    if (this.#session?.unwatch !== undefined) {
      this.#session.unwatch();
      this.#context.counters.playingSessions -= 1;
    }
    this.#session = undefined;
  }

  #sendFrame(session: Session, frame: PlayedFrame): void {
    const { counters, now } = this.#context;
    // Several frames may come in one tick; the session ends only with the socket's close event.
    if (this.#socket.destroyed) return;
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) {
      counters.dropped += 1;
      this.#socket.destroy();
      return;
    }
    const timestamp = rtpTime(frame.atMs);
    if (now() >= session.reportAt) {
      session.reportAt = now() + REPORT_EVERY_MS;
      const facts = { ssrc: session.ssrc, atMs: frame.atMs, timestamp, packets: session.packets, octets: session.octets };
      this.#socket.write(senderReport({ channel: session.channels.rtcp, ...facts }));
    }
    const header = { channel: session.channels.rtp, ssrc: session.ssrc, sequence: session.sequence, timestamp };
    const bytes = frameBytes(frame.payloads, header);
    session.sequence = (session.sequence + frame.payloads.length) & 0xffff;
    session.packets += frame.payloads.length;
    session.octets += frame.payloads.reduce((sum, payload) => sum + payload.length, 0);
    counters.mediaBytes += bytes.length;
    this.#socket.write(bytes);
  }
}
