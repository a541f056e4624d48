import type { AnswerOf } from '../../agent/contract/operations.js';
import type { CameraInfo, SiteInfo } from '../../agent/contract/views.js';
import { sdpFingerprint } from '../../scripts/portal/client/sdp-fingerprint.js';

/** What the recorder in the memory of a page shows: its cameras, its health and a moving picture. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** One camera that works, one that refuses its password. */
export function makeCameras(now: number, isAlarmed = false): CameraInfo[] {
  const base = {
    manufacturer: 'Example',
    model: 'Dome 2',
    firmware: '1.4.0',
    serial: 'EX4711',
    reason: null,
    ptz: null,
    lastSeenAt: now,
    hasLogin: true,
  } as const;
  const streams: CameraInfo['streams'] = [
    { kind: 'main', codec: 'H.264', width: 1280, height: 720, frameRate: 25, bitrateKbps: 3000 },
    { kind: 'sub', codec: 'H.264', width: 640, height: 360, frameRate: 15, bitrateKbps: 500 },
  ];
  const refused = {
    code: 'cameras.unauthorized',
    say: 'Camera answers, but refuses the password (ONVIF NotAuthorized). It locks after 5 tries; 2 left.',
    fix: 'Enter the password set on the camera’s own page.',
  };
  return [
    {
      ...base,
      id: 'cam-1',
      name: 'Front door',
      state: 'online',
      streams,
      ptz: 'serial',
      ...(isAlarmed ? { alarms: ['tamper', 'hardware-failure'] } : {}),
    },
    {
      ...base,
      id: 'cam-2',
      name: 'Back yard',
      state: 'unauthorized',
      reason: refused,
      streams: [],
      lastSeenAt: now - 5 * HOUR,
      hasLogin: false,
    },
  ];
}

/** The site as its owner sees it, who watches the first camera in each of these sessions. */
export function makeSite(serial: string, recorderName: string, cameras: readonly CameraInfo[], sessions: readonly string[]): SiteInfo {
  const now = Date.now();
  const watcher = { cam: 'cam-1', who: 'Robin Example', organisation: null, since: now, until: now + 600_000 };
  return {
    ...{ serial, recorderName, model: 'Example R4', version: '0.1.0', now, startedAt: now - 50 * HOUR },
    cameras: [...cameras],
    watching: sessions.map((session) => ({ session, ...watcher })),
  };
}

/** A moving picture made here, sent through a real peer connection. */
export async function answerOffer(offer: string): Promise<{ sdp: string; fp: string; peer: RTCPeerConnection }> {
  const canvas = document.createElement('canvas');
  canvas.width = 640;
  canvas.height = 360;
  const pen = canvas.getContext('2d');
  let frame = 0;
  setInterval(() => {
    if (pen === null) return;
    frame += 1;
    pen.fillStyle = '#2c3e50';
    pen.fillRect(0, 0, 640, 360);
    pen.fillStyle = '#d7ccb8';
    pen.fillRect(240, 90, 160, 270);
    pen.fillStyle = '#e0a84c';
    pen.fillRect((frame * 4) % 640, 320, 40, 30);
    pen.fillStyle = '#ffffff';
    pen.font = '20px monospace';
    pen.fillText(new Date().toISOString().slice(11, 23), 20, 40);
  }, 40);
  const peer = new RTCPeerConnection({ iceServers: [] });
  await peer.setRemoteDescription({ type: 'offer', sdp: offer });
  const [track] = canvas.captureStream(25).getVideoTracks();
  const [transceiver] = peer.getTransceivers();
  if (track !== undefined && transceiver !== undefined) {
    transceiver.direction = 'sendonly';
    await transceiver.sender.replaceTrack(track);
  }
  await peer.setLocalDescription(await peer.createAnswer());
  if (peer.iceGatheringState !== 'complete') {
    await new Promise<void>((resolve) => {
      peer.addEventListener('icegatheringstatechange', () => peer.iceGatheringState === 'complete' && resolve());
    });
  }
  const sdp = peer.localDescription?.sdp ?? '';
  return { sdp, fp: sdpFingerprint(sdp) ?? '', peer };
}

/** An hour of health with a gap in it. */
export function makeHealth(cameras: readonly CameraInfo[]): AnswerOf<'health.get'> {
  const now = Date.now();
  const at = Array.from({ length: 60 }, (_unused, n) => now - (60 - n) * MINUTE).filter((_at, n) => n < 20 || n > 28);
  const wave = (base: number, size: number): number[] => at.map((_at, n) => base + size * Math.sin(n / 4));
  return {
    now,
    verdict: { level: 'attention', sentence: 'Back yard refuses its password.' },
    sample: {
      at: now,
      cpu: 0.12,
      memory: 0.41,
      memoryAvailableBytes: 1.2e9,
      disk: 0.63,
      diskFreeBytes: 11e9,
      temperatureCelsius: 48.5,
      rssBytes: 72e6,
      uptimeS: 180_000,
      camerasUp: 1,
      camerasTotal: 2,
    },
    facts: [
      { fact: 'cpu', object: '', state: 'ok', sentence: 'The processor is 12% busy.' },
      { fact: 'camera-up', object: 'cam-2', state: 'crit', sentence: 'Back yard has not answered for 5 hours.' },
      { fact: 'temperature', object: '', state: 'unavailable', sentence: 'This machine reports no temperature.' },
    ],
    cameras: cameras.map(({ id, name, state, lastSeenAt }) => ({
      id,
      name,
      isUp: state === 'online',
      lastSeenAt,
      level: 'ok' as const,
    })),
    machine: { manufacturer: 'Example', model: 'R4', os: 'Debian 12', kernel: '6.1', cpu: 'Cortex-A72', cores: 4, memoryBytes: 2e9 },
    history: {
      periodMs: MINUTE,
      at,
      cpu: wave(0.15, 0.1),
      memory: wave(0.4, 0.03),
      disk: at.map(() => 0.63),
      temperatureCelsius: wave(48, 2),
      rssBytes: at.map(() => 72e6),
      camerasUp: at.map(() => 1),
    },
  };
}
