import type { CameraEvent, CameraSource } from '../../drivers/port.js';
import type { CameraRegistryParts, CameraTiming } from './ports.js';

/** What every channel is made with; the same for all. */
export interface ChannelParts<Channel> extends Pick<CameraRegistryParts, 'connector' | 'serialPtz' | 'groupLogins' | 'clock' | 'log'> {
  readonly random: () => number;
  readonly timing: CameraTiming;
  /** What is stored or seen of this channel changed. `isStored` tells that it must be saved. */
  readonly onChange: (channel: Channel, isStored: boolean) => void;
  /** The camera answered, and nothing else changed: not worth telling anybody. */
  readonly onSeen: () => void;
  /**
   * The first channel of the same device, undefined for that one itself. It alone asks for signs of life, tries logins and listens to events: a
   * recorder with sixteen inputs must not be asked sixteen times, nor lock its account sixteen times as fast.
   */
  readonly leader: (channel: Channel) => Channel | undefined;
  /** The device has several video sources. */
  readonly onSources: (channel: Channel, sources: readonly CameraSource[]) => void;
  readonly onNews: (channel: Channel, news: CameraEvent) => void;
  /** The device's events are not heard any more: what it said of any of its sources may not hold. */
  readonly onDeaf: (channel: Channel) => void;
  /** The channel follows its camera to another address. */
  readonly onMoved: (channel: Channel, fromHost: string) => void;
}
