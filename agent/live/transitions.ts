/**
 * The media gate as a table. Pictures leave in no state but `sending`, messages and pieces of files also in `waiting`; both are reached only
 * through `armed`, which only a granted permission reaches, and with the viewer's transport up. Pure.
 */
export type GateState =
  | 'shut' // no permission seen
  | 'armed' // permitted; neither the viewer's transport nor an intra picture is there
  | 'holding' // an intra picture is held back, the viewer's transport is not up
  | 'waiting' // the transport is up, no intra picture came yet
  | 'sending'
  | 'ended'; // for good

/** What happens to a gate; from `withdrawn` on they are ends. */
export type GateEvent =
  | 'granted'
  | 'dtlsUp'
  | 'idr' // an intra picture begins
  | 'lost' // what was held or sent since the last intra picture is no longer whole
  | 'withdrawn'
  | 'expired'
  | 'viewerGone'
  | 'cameraGone'
  | 'closed';

// biome-ignore format: one aligned table
const TABLE: Readonly<Record<GateState, Readonly<Record<GateEvent, GateState>>>> = {
  //         granted             dtlsUp             idr             lost               the ends
  shut:    { granted: 'armed',   dtlsUp: 'shut',    idr: 'shut',    lost: 'shut',      withdrawn: 'ended', expired: 'ended', viewerGone: 'ended', cameraGone: 'ended', closed: 'ended' },
  armed:   { granted: 'armed',   dtlsUp: 'waiting', idr: 'holding', lost: 'armed',     withdrawn: 'ended', expired: 'ended', viewerGone: 'ended', cameraGone: 'ended', closed: 'ended' },
  holding: { granted: 'holding', dtlsUp: 'sending', idr: 'holding', lost: 'armed',     withdrawn: 'ended', expired: 'ended', viewerGone: 'ended', cameraGone: 'ended', closed: 'ended' },
  waiting: { granted: 'waiting', dtlsUp: 'waiting', idr: 'sending', lost: 'waiting',   withdrawn: 'ended', expired: 'ended', viewerGone: 'ended', cameraGone: 'ended', closed: 'ended' },
  sending: { granted: 'sending', dtlsUp: 'sending', idr: 'sending', lost: 'waiting',   withdrawn: 'ended', expired: 'ended', viewerGone: 'ended', cameraGone: 'ended', closed: 'ended' },
  ended:   { granted: 'ended',   dtlsUp: 'ended',   idr: 'ended',   lost: 'ended',     withdrawn: 'ended', expired: 'ended', viewerGone: 'ended', cameraGone: 'ended', closed: 'ended' },
};

/** The state after `event`. Total: every state answers every event. */
export function nextGateState(state: GateState, event: GateEvent): GateState {
  return TABLE[state][event];
}
