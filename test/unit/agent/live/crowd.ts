/** Many viewers of one camera, for the tests of the fan-out. */
import type { LiveEvent, WatchTicket, WatchVerdict } from '../../../../agent/live/ports.js';
import { DriverError } from '../../../../drivers/port.js';
import { cameraPacket, IDR, LiveRig, PPS, SLICE, SPS, settle } from './live-rig.js';

const NO: WatchVerdict = { ok: false, code: 'permission.withdrawn', say: 'Withdrawn.', fix: 'Ask.' };

/** A camera that many may watch at once; `refused` holds the viewers whose permission is gone. */
export function crowd(): { rig: LiveRig; refused: Set<string> } {
  const refused = new Set<string>();
  const mayWatch = (ticket: WatchTicket): WatchVerdict => (refused.has(ticket.viewerId) ? NO : { ok: true });
  return { rig: new LiveRig({ mayWatch, limits: { maxSessions: 16 } }), refused };
}

/** A viewer comes, and its transport connects. */
export async function join(rig: LiveRig, viewerId: string): Promise<void> {
  await rig.open(viewerId);
  await settle();
  rig.peers.at(-1)?.request.onConnected();
}

/** A whole intra picture of the camera's numbers from `at`. */
export const intra = (at: number): readonly Buffer[] => [
  cameraPacket(at, at * 3600, SPS),
  cameraPacket(at + 1, at * 3600, PPS),
  cameraPacket(at + 2, at * 3600, IDR, true),
];
/** A picture of one slice. */
export const slice = (at: number): Buffer => cameraPacket(at, at * 3600, SLICE, true);
/** Packets handed to each viewer. */
export const sent = (rig: LiveRig): readonly number[] => rig.peers.map((peer) => peer.sent.length);
/** NAL types of what one viewer got. */
export const typesOf = (rig: LiveRig, index: number): readonly number[] =>
  (rig.peers[index]?.sent ?? []).map((packet) => (packet[12] ?? 0) & 0x1f);
/** Every end that was told. */
export const endedOf = (rig: LiveRig): readonly Extract<LiveEvent, { kind: 'ended' }>[] =>
  rig.events.flatMap((event) => (event.kind === 'ended' ? [event] : []));

/** A camera that cannot be asked for an intra picture. */
export function deafen(rig: LiveRig): void {
  if (rig.camera === undefined) return;
  const synchronize = async (): Promise<void> => {
    throw new DriverError('camera.unsupported', 'no');
  };
  rig.camera = { ...rig.camera, synchronize };
}
