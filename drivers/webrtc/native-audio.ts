import type { PeerConnection, RtcpSrReporter, RtpPacketizationConfig, Track } from 'node-datachannel';
import type { AudioPayloads } from './sdp-audio.js';

/** What the library gives us for it. */
type Library = Pick<typeof import('node-datachannel'), 'Audio' | 'RtcpSrReporter' | 'RtpPacketizationConfig'>;

/** The send-only audio track of a viewer's connection. */
export class NativeAudio {
  readonly ssrc: number;
  // Held because the library lets go of what JavaScript has let go of.
  readonly #track: Track;
  readonly #reporter: RtcpSrReporter;
  readonly #timing: RtpPacketizationConfig;

  constructor(library: Library, pc: PeerConnection, audio: AudioPayloads, ssrc: number, onHeard: () => void) {
    this.ssrc = ssrc;
    const description = new library.Audio(audio.mid, 'SendOnly');
    for (const [codec, payloadType] of audio.payloadTypes) description.addAudioCodec(payloadType, codec);
    description.addSSRC(ssrc, 'sightline', 'sightline', 'audio');
    this.#track = pc.addTrack(description);
    // Sender reports tie its clock to the picture's; the payload type stands in the packets themselves.
    this.#timing = new library.RtpPacketizationConfig(ssrc, 'sightline', [...audio.payloadTypes.values()][0] ?? 0, 8_000);
    this.#reporter = new library.RtcpSrReporter(this.#timing);
    this.#track.setMediaHandler(this.#reporter);
    // Without a listener 0.33.4 keeps its callbacks after close, and with them the process.
    this.#track.onClosed(() => undefined);
    this.#track.onMessage(onHeard);
  }

  /** Throws where the library does. */
  send(packet: Buffer): boolean {
    this.#timing.timestamp = packet.readUInt32BE(4);
    return this.#track.isOpen() && this.#track.sendMessageBinary(packet);
  }

  close(): void {
    this.#track.close();
  }
}
