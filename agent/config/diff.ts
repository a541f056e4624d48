import type { Configuration, ConfigurationPatch, StreamWish } from '../contract/configuration.js';
import type { StreamKind } from './ports.js';

/** One thing a patch really changes. Passwords are not in here: they stay in the patch. */
export type Change =
  | { readonly kind: 'recorder-name'; readonly path: string; readonly from: string; readonly to: string }
  | { readonly kind: 'no-such-camera'; readonly path: string; readonly cam: string }
  | { readonly kind: 'camera-name'; readonly path: string; readonly cam: string; readonly from: string; readonly to: string }
  | { readonly kind: 'login'; readonly path: string; readonly cam: string }
  | StreamChange;

/** Another size or frame rate of one stream. */
export interface StreamChange {
  readonly kind: 'stream';
  /** `cameras.cam-1.sub` */
  readonly path: string;
  readonly cam: string;
  readonly stream: StreamKind;
  readonly from: StreamWish | null;
  /** Only the fields that differ. */
  readonly to: Partial<StreamWish>;
}

type CameraPatch = NonNullable<ConfigurationPatch['cameras']>[string];

const FIELDS = ['width', 'height', 'frameRate'] as const;

function streamChange(cam: string, stream: StreamKind, from: StreamWish | null, wish: CameraPatch['main']): StreamChange | undefined {
  const to: Partial<StreamWish> = {};
  for (const field of FIELDS) {
    const value = wish?.[field];
    if (value !== undefined && value !== from?.[field]) to[field] = value;
  }
  if (Object.keys(to).length === 0) return undefined;
  return { kind: 'stream', path: `cameras.${cam}.${stream}`, cam, stream, from, to };
}

/**
 * What `patch` changes in `current`, in the order of the configuration: recorder, then camera by camera; cameras nobody knows last.
 * Names are compared without spaces around them. A login is always a change: to say "that is the one already set" would let anyone who
 * may plan try passwords.
 */
export function diffConfiguration(current: Configuration, patch: ConfigurationPatch): readonly Change[] {
  const changes: Change[] = [];
  const wishes = patch.cameras ?? {};
  const recorderName = patch.recorderName?.trim();
  if (recorderName !== undefined && recorderName !== current.recorderName) {
    changes.push({ kind: 'recorder-name', path: 'recorderName', from: current.recorderName, to: recorderName });
  }
  for (const [cam, now] of Object.entries(current.cameras)) {
    const wish = Object.hasOwn(wishes, cam) ? wishes[cam] : undefined;
    if (wish === undefined) continue;
    const name = wish.name?.trim();
    if (name !== undefined && name !== now.name) {
      changes.push({ kind: 'camera-name', path: `cameras.${cam}.name`, cam, from: now.name, to: name });
    }
    if (wish.login !== undefined) changes.push({ kind: 'login', path: `cameras.${cam}.login`, cam });
    for (const stream of ['main', 'sub'] as const) {
      const change = streamChange(cam, stream, now[stream], wish[stream]);
      if (change !== undefined) changes.push(change);
    }
  }
  for (const cam of Object.keys(wishes)) {
    if (!Object.hasOwn(current.cameras, cam)) changes.push({ kind: 'no-such-camera', path: `cameras.${cam}`, cam });
  }
  return changes;
}
