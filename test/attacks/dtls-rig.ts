/**
 * A viewer made of werift, which takes a certificate and a private key without checking that they belong together, and which can
 * take either DTLS role: what an attacker between recorder and viewer would build. It counts everything that reaches it.
 */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RTCPeerConnection, RTCRtpCodecParameters } from 'werift';
import { type Clock, systemClock } from '../../agent/kernel/clock.js';
import type { ViewerPeer, ViewerPeerFactory } from '../../drivers/port.js';
import { createViewerPeerFactory } from '../../drivers/webrtc/factory.js';

export interface KeyPair {
  readonly certPem: string;
  readonly keyPem: string;
}

/** A self-signed P-256 certificate with its key. */
export function makeKeyPair(): KeyPair {
  const folder = mkdtempSync(join(tmpdir(), 'sightline-dtls-'));
  try {
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=viewer'], {
      stdio: 'ignore',
    });
    return { certPem: readFileSync(cert, 'utf8'), keyPem: readFileSync(key, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const fingerprintOf = (certPem: string): string => new X509Certificate(certPem).fingerprint256;

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };

export const newFactory = (clock: Clock = systemClock): ViewerPeerFactory => createViewerPeerFactory({ clock, log: quiet });

export interface Seen {
  /** RTP packets that reached the viewer, decrypted, and the number of the last one. */
  received: number;
  newestSequence: number;
  /** Datagrams that reached the viewer's socket and look like (S)RTP or (S)RTCP (RFC 7983). */
  media: number;
  /** Datagrams that look like DTLS: proof that the handshake was tried at all. */
  handshakes: number;
  isConnected: boolean;
  closed: 'closed' | 'failed' | undefined;
  pictureLosses: number;
}

/** As it is before anything came. */
export const nothingSeen = (): Seen => ({
  received: 0,
  media: 0,
  handshakes: 0,
  isConnected: false,
  closed: undefined,
  pictureLosses: 0,
  newestSequence: 0,
});

export interface Meeting extends Seen {
  readonly peer: ViewerPeer;
  readonly viewer: RTCPeerConnection;
  end(): Promise<void>;
}

export interface MeetingOptions {
  readonly keys: KeyPair;
  /** The role the viewer takes: its offer says so. */
  readonly role: 'client' | 'server';
  /** Rewrites the offer before the recorder sees it, as a relay would. */
  readonly tamper?: (offer: string) => string;
}

/** A viewer that shows this certificate and signs with this key, whether they belong together or not. */
export function newViewer(keys: KeyPair): RTCPeerConnection {
  const codec = new RTCRtpCodecParameters({
    mimeType: 'video/H264',
    clockRate: 90_000,
    payloadType: 102,
    rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }],
    parameters: 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
  });
  const viewer = new RTCPeerConnection({
    // Empty would mean a public STUN server to werift.
    iceServers: [{ urls: 'stun:127.0.0.1:9' }],
    iceUseIpv6: false,
    iceAdditionalHostAddresses: ['127.0.0.1'],
    codecs: { video: [codec] },
    dtls: { keys: { ...keys, signatureHash: { hash: 4, signature: 3 } } },
  });
  viewer.addTransceiver('video', { direction: 'recvonly' });
  for (const transport of viewer.iceTransports) (transport.connection as { stunServer?: unknown }).stunServer = undefined;
  return viewer;
}

/**
 * werift goes on repeating a handshake for half a minute after close, and may even begin one then (it sleeps 100 ms before). This
 * makes it believe that it is through; the second look does not keep the process alive by itself.
 */
export async function endViewer(viewer: RTCPeerConnection): Promise<void> {
  const stopHandshakes = (): void => {
    for (const transport of viewer.dtlsTransports) {
      const context = (transport.dtls as unknown as { dtls?: { flight: number } } | undefined)?.dtls;
      if (context !== undefined) context.flight = 99;
    }
  };
  stopHandshakes();
  await viewer.close();
  for (const delayMs of [300, 1_000]) setTimeout(stopHandshakes, delayMs).unref();
}

/** Lets a werift viewer and one of our peers meet on 127.0.0.1. Resolves once the answer is set; waits for nothing more. */
export async function meet(factory: ViewerPeerFactory, options: MeetingOptions): Promise<Meeting> {
  const viewer = newViewer(options.keys);
  const seen = nothingSeen();
  await viewer.setLocalDescription(await viewer.createOffer());
  const setup = options.role === 'client' ? 'active' : 'passive';
  const offer = `${viewer.localDescription?.sdp}`.replaceAll('a=setup:actpass', `a=setup:${setup}`);
  const answering = factory.answer({
    offerSdp: options.tamper?.(offer) ?? offer,
    video: { codec: 'H264', profileLevelId: undefined },
    iceServers: [],
    bindAddress: '127.0.0.1',
    onConnected: () => {
      seen.isConnected = true;
    },
    onPictureLoss: () => {
      seen.pictureLosses += 1;
    },
    onClosed: (reason) => {
      seen.closed = reason;
    },
  });
  // An answer that fails must not leave the viewer's sockets behind.
  const peer = await answering.catch(async (error: unknown) => {
    await endViewer(viewer);
    throw error;
  });
  count(viewer, seen);
  await viewer.setRemoteDescription({ type: 'answer', sdp: peer.answerSdp });
  const end = async (): Promise<void> => {
    peer.close();
    await endViewer(viewer);
  };
  return Object.assign(seen, { peer, viewer, end });
}

/** Counts into `seen` from now on. */
export function count(viewer: RTCPeerConnection, seen: Seen): void {
  viewer.getTransceivers()[0]?.onTrack.subscribe((track) =>
    track.onReceiveRtp.subscribe((packet) => {
      seen.received += 1;
      seen.newestSequence = packet.header.sequenceNumber;
    }),
  );
  for (const transport of viewer.iceTransports)
    transport.connection.onData.subscribe((data: Buffer) => {
      const first = data[0] ?? 0;
      if (first >= 128 && first <= 191) seen.media += 1;
      if (first >= 20 && first <= 63) seen.handshakes += 1;
    });
}

let sequence = 0;

/** One picture of `count` packets; how many the transport took. */
export function sendPicture(peer: ViewerPeer, count = 5): number {
  let taken = 0;
  for (let index = 0; index < count; index += 1) {
    const packet = Buffer.alloc(400, 1);
    packet[0] = 0x80;
    packet[1] = peer.payloadType | (index === count - 1 ? 0x80 : 0);
    packet.writeUInt16BE(sequence & 0xffff, 2);
    packet.writeUInt32BE((sequence * 3600) >>> 0, 4);
    packet.writeUInt32BE(peer.ssrc, 8);
    packet[12] = 0x65;
    sequence += 1;
    if (peer.sendRtp(packet)) taken += 1;
  }
  return taken;
}

/** Polls `isTrue` while doing `each`; true when it came about within `limitMs`. */
export function until(isTrue: () => boolean, limitMs: number, each: () => void = () => undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const giveUpAt = performance.now() + limitMs;
    const timer = setInterval(() => {
      each();
      const isDone = isTrue();
      if (!isDone && performance.now() < giveUpAt) return;
      clearInterval(timer);
      resolve(isDone);
    }, 10);
  });
}
