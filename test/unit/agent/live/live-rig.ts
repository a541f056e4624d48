/** Fakes at the port level for live view: a virtual clock, a camera, a stream, a viewer. No socket, no native code. */

import type { Clock } from '../../../../agent/kernel/clock.js';
import type { Log } from '../../../../agent/kernel/log.js';
import type { LiveCamera, LiveEvent, LiveParts, WatchVerdict } from '../../../../agent/live/ports.js';
import { LiveService } from '../../../../agent/live/service.js';
import type { AudioPull, StreamPull, StreamRequest, ViewerPeer, ViewerPeerRequest } from '../../../../drivers/port.js';

export const SPS = Uint8Array.from([0x67, 0x64, 0x00, 0x1f, 1, 2, 3]);
export const PPS = Uint8Array.from([0x68, 0xee, 1]);

/** One RTP packet as a camera sends it. */
export function cameraPacket(sequence: number, timestamp: number, payload: Uint8Array | readonly number[], marker = false): Buffer {
  const packet = Buffer.alloc(12 + payload.length);
  packet[0] = 0x80;
  packet[1] = 96 | (marker ? 0x80 : 0);
  packet.writeUInt16BE(sequence & 0xffff, 2);
  packet.writeUInt32BE(timestamp >>> 0, 4);
  packet.writeUInt32BE(0xcafe, 8);
  packet.set(payload, 12);
  return packet;
}

export const IDR = [0x65, 0x88, 0x80];
export const SLICE = [0x41, 0x9a, 0x01];

export class VirtualClock implements Clock {
  #at = 1_000;
  #timers: { at: number; act: () => void }[] = [];

  now(): number {
    return 1_700_000_000_000 + this.#at;
  }

  monotonicMs(): number {
    return this.#at;
  }

  after(delayMs: number, act: () => void): { cancel(): void } {
    const timer = { at: this.#at + delayMs, act };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((one) => one !== timer);
      },
    };
  }

  every(): { cancel(): void } {
    return { cancel: () => undefined };
  }

  get armed(): number {
    return this.#timers.length;
  }

  advance(ms: number): void {
    const until = this.#at + ms;
    for (;;) {
      const next = this.#timers.filter((one) => one.at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#at = next.at;
      this.#timers = this.#timers.filter((one) => one !== next);
      next.act();
    }
    this.#at = until;
  }
}

const silent = (): undefined => undefined;
export const silentLog: Log = { debug: silent, info: silent, warn: silent, error: silent, area: () => silentLog };

/** Lets every pending promise go on, a few rounds deep. */
export async function settle(rounds = 20): Promise<void> {
  for (let round = 0; round < rounds; round += 1) await Promise.resolve();
}

export class LiveRig {
  readonly clock = new VirtualClock();
  readonly events: LiveEvent[] = [];
  readonly pulls: { request: StreamRequest; isClosed: boolean }[] = [];
  readonly peers: { request: ViewerPeerRequest; sent: Buffer[]; isClosed: boolean; sentAfterClose: number }[] = [];
  readonly synchronized: number[] = [];
  verdict: WatchVerdict = { ok: true };
  mayHear = false;
  /** Pulls of sound, and the packets of sound that were sent, over all viewers. */
  readonly sounds: { request: Omit<StreamRequest, 'codec' | 'onTrack'>; isClosed: boolean }[] = [];
  readonly heard: Buffer[] = [];
  camera: LiveCamera | undefined;
  /** Awaited inside the fakes, so that a test decides what happens in between. */
  beforeStream: () => Promise<void> = async () => undefined;
  beforeAnswer: () => Promise<void> = async () => undefined;
  beforeClose: () => Promise<void> = async () => undefined;
  onPeerClose: () => void = () => undefined;
  /** Told of every packet in the tick in which it leaves, with the number of its peer. */
  onSend: (peer: number) => void = () => undefined;
  onEvent: (event: LiveEvent) => void = () => undefined;
  readonly service: LiveService;
  #ids = 0;

  constructor(parts: Partial<LiveParts> = {}) {
    this.camera = {
      channelId: 'cam-1',
      state: 'up',
      reason: '',
      deviceHost: '192.0.2.7',
      login: undefined,
      codec: () => 'H264',
      source: () => 'main profile',
      streamUri: async () => 'rtsp://192.0.2.7/main',
      synchronize: async () => void this.synchronized.push(this.clock.monotonicMs()),
    };
    this.service = new LiveService({
      clock: this.clock,
      log: silentLog,
      streams: { open: (request) => this.#openStream(request), openAudio: (request) => this.#openAudio(request) },
      peers: { answer: (request) => this.#answer(request), warm: async () => undefined },
      cameras: { resolve: (channelId) => (channelId === this.camera?.channelId ? this.camera : undefined) },
      mayWatch: () => this.verdict,
      mayHear: () => this.mayHear,
      onEvent: (event) => {
        this.events.push(event);
        this.onEvent(event);
      },
      newSessionId: () => `s${++this.#ids}`,
      ...parts,
    });
  }

  open(viewerId = 'dana', channelId = 'cam-1'): ReturnType<LiveService['open']> {
    return this.service.open({ ticket: { channelId, viewerId, proof: undefined }, offerSdp: 'offer' });
  }

  /** Camera packets into the newest pull. */
  push(...packets: readonly Buffer[]): void {
    this.pushInto(this.pulls.length - 1, ...packets);
  }

  /** Camera packets into the pull of that number. */
  pushInto(index: number, ...packets: readonly Buffer[]): void {
    for (const packet of packets) this.pulls[index]?.request.onRtp(packet, 0, packet.length);
  }

  async #openStream(request: StreamRequest): Promise<StreamPull> {
    await this.beforeStream();
    const pull = { request, isClosed: false };
    this.pulls.push(pull);
    return {
      track: { codec: 'H264', payloadType: 96, clockRate: 90_000, profileLevelId: '64001f', parameterSets: [SPS, PPS] },
      close: async () => {
        pull.isClosed = true;
        await this.beforeClose();
      },
    };
  }

  async #openAudio(request: LiveRig['sounds'][number]['request']): Promise<AudioPull> {
    const sound = { request, isClosed: false };
    this.sounds.push(sound);
    return {
      track: { codec: 'PCMA', payloadType: 8, clockRate: 8_000 },
      close: async () => {
        sound.isClosed = true;
      },
    };
  }

  async #answer(request: ViewerPeerRequest): Promise<ViewerPeer> {
    await this.beforeAnswer();
    const peer = { request, sent: [] as Buffer[], isClosed: false, sentAfterClose: 0 };
    const index = this.peers.push(peer) - 1;
    return {
      answerSdp: 'answer',
      fingerprint: 'sha-256 AA',
      payloadType: 102,
      ssrc: 0x1234,
      sendRtp: (packet) => {
        this.onSend(index);
        if (peer.isClosed) peer.sentAfterClose += 1;
        else peer.sent.push(Buffer.from(packet));
        return true;
      },
      ...(request.mayHear === true ? { audio: { ssrc: 0x5678, payloadTypes: new Map([['PCMA', 18]] as const) } } : {}),
      sendAudio: (packet) => this.heard.push(Buffer.from(packet)) > 0,
      sendData: () => false,
      dataBufferedBytes: () => 0,
      close: () => {
        peer.isClosed = true;
        this.onPeerClose();
      },
    };
  }
}
