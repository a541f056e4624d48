import type { AudioPull, AudioTrack, StreamClient, ViewerPeer } from '../../drivers/port.js';
import type { Log } from '../kernel/log.js';
import type { LiveCamera } from './ports.js';
import { RTP_HEADER_BYTES, type RtpView, readRtp } from './rtp.js';

/** One listener of a camera's sound; called synchronously, the bytes are valid only during the call. */
export type AudioListener = (codec: AudioTrack['codec'], bytes: Uint8Array, view: RtpView) => void;

/** The sound of one camera for whoever may hear it: pulled with the first listener, let go with the last, never for a picture alone. */
interface Sound {
  readonly listeners: Set<AudioListener>;
  readonly abort: AbortController;
  closed: Promise<void>;
}

/** Sound of cameras, each pulled once. It knows nothing of permissions; every listener asks for itself. */
export class SharedSounds {
  readonly #streams: StreamClient;
  readonly #log: Log;
  readonly #sounds = new Map<string, Sound>();

  constructor(parts: { readonly streams: StreamClient; readonly log: Log }) {
    this.#streams = parts.streams;
    this.#log = parts.log;
  }

  /** Hears from now on. The returned function ends that in its tick, and resolves when the camera is let go of. */
  listen(camera: LiveCamera, listener: AudioListener): () => Promise<void> {
    const key = `${camera.channelId} ${camera.deviceHost}`;
    const sound = this.#sounds.get(key) ?? this.#begin(key, camera);
    sound.listeners.add(listener);
    return async () => {
      sound.listeners.delete(listener);
      if (sound.listeners.size > 0) return;
      if (this.#sounds.get(key) === sound) this.#sounds.delete(key);
      sound.abort.abort();
      await sound.closed;
    };
  }

  #begin(key: string, camera: LiveCamera): Sound {
    const sound: Sound = { listeners: new Set(), abort: new AbortController(), closed: Promise.resolve() };
    this.#sounds.set(key, sound);
    // The picture goes on without it: a camera that gives no sound, or stops, is silent until somebody opens it anew.
    sound.closed = this.#pull(camera, sound).catch((error: unknown) =>
      this.#log.info('a camera gives no sound', { channel: camera.channelId, error }),
    );
    void sound.closed.then(() => {
      if (this.#sounds.get(key) === sound) this.#sounds.delete(key);
    });
    return sound;
  }

  /** Resolves when the connection is gone. */
  async #pull(camera: LiveCamera, sound: Sound): Promise<void> {
    const { signal } = sound.abort;
    const uri = await camera.streamUri('main', signal);
    if (signal.aborted || this.#streams.openAudio === undefined) return;
    const view: RtpView = { marker: false, sequence: 0, timestamp: 0, start: 0, end: 0 };
    let pull: AudioPull | undefined;
    let end: () => void = () => undefined;
    const isOver = new Promise<void>((resolve) => {
      end = resolve;
    });
    signal.addEventListener('abort', () => end(), { once: true });
    pull = await this.#streams.openAudio({
      uri,
      allowedHost: camera.deviceHost,
      login: camera.login,
      signal,
      onRtp: (bytes, from, to) => {
        // Packets before the answer to PLAY are of a codec not told yet.
        if (pull === undefined || signal.aborted || !readRtp(bytes, from, to, view)) return;
        for (const listener of sound.listeners) listener(pull.track.codec, bytes, view);
      },
      onEnd: end,
    });
    await isOver;
    await pull.close();
  }
}

/** What one viewer's sound goes through. */
export interface AudioLaneParts {
  /** Asked for every packet, in its tick. */
  readonly mayHear: () => boolean;
  /** The permission does not cover sound any more: called once, nothing follows. */
  readonly onRefused: () => void;
  /** The egress gate: whether a packet of so many bytes may leave beside the picture; it counts it. */
  readonly pass: (bytes: number) => boolean;
  readonly peer: Pick<ViewerPeer, 'audio' | 'sendAudio'>;
  /** Random (RFC 3550 5.1). */
  readonly firstSequence: number;
  readonly firstTimestamp: number;
}

/** Largest packet: 100 ms of G.711 and some room. */
const MAX_PAYLOAD_BYTES = 1_024;

/** Writes the packets of one viewer's sound: our SSRC and numbers, the camera's times and samples as they are. */
export class AudioLane {
  readonly #parts: AudioLaneParts;
  readonly #packet = Buffer.alloc(RTP_HEADER_BYTES + MAX_PAYLOAD_BYTES);
  #sequence: number;
  #isRefused = false;
  #from: { readonly sequence: number; readonly timestamp: number } | undefined;

  constructor(parts: AudioLaneParts) {
    this.#parts = parts;
    this.#sequence = parts.firstSequence & 0xffff;
    this.#packet[0] = 0x80;
  }

  /** Takes one packet of the camera; nothing leaves unless permission and gate say yes now. */
  take: AudioListener = (codec, bytes, view) => {
    const { peer, mayHear, pass, firstTimestamp } = this.#parts;
    const payloadType = peer.audio?.payloadTypes.get(codec);
    const length = view.end - view.start;
    if (this.#isRefused || peer.audio === undefined || payloadType === undefined || length > MAX_PAYLOAD_BYTES) return;
    this.#from ??= { sequence: view.sequence, timestamp: view.timestamp };
    const packet = this.#packet.subarray(0, RTP_HEADER_BYTES + length);
    if (!mayHear()) {
      this.#isRefused = true;
      this.#parts.onRefused();
      return;
    }
    if (!pass(packet.length)) return;
    packet[1] = payloadType | (view.marker ? 0x80 : 0);
    packet.writeUInt16BE((this.#sequence + view.sequence - this.#from.sequence) & 0xffff, 2);
    packet.writeUInt32BE((firstTimestamp + view.timestamp - this.#from.timestamp) >>> 0, 4);
    packet.writeUInt32BE(peer.audio.ssrc, 8);
    packet.set(bytes.subarray(view.start, view.end), RTP_HEADER_BYTES);
    peer.sendAudio?.(packet);
  };
}
