import type { CloudLink } from '../cloud/link.js';
import { Lamps } from '../firmware/lamps.js';
import type { LiveService } from '../live/service.js';
import type { PairingService } from '../pairing/service.js';
import type { PlaybackService } from '../playback/service.js';
import type { Base } from './base.js';

/** What the lamps show. */
export interface LampNeeds {
  readonly pairing: PairingService;
  readonly live: LiveService;
  readonly playback: PlaybackService;
  readonly link: CloudLink;
}

/** The lamps on the recorder's front, where the firmware has a hook for them. */
export function openLamps({ hooks, clock }: Base, { pairing, live, playback, link }: LampNeeds): Lamps {
  const facts = () => ({
    isPairing: pairing.isOpen,
    isWatched: live.sessions().length + playback.sessions().length > 0,
    isOnline: link.isOnline,
  });
  return new Lamps({ hooks, facts, clock });
}
