/**
 * What a notification means. ONVIF names the topics, cameras spell them in many ways and mark the same fact with different items:
 * here all of them become one of six kinds. No I/O, no clock.
 */
import type { CameraEvent } from '../port.js';

/** A `tt:SimpleItem`. */
export interface EventItem {
  readonly name: string;
  readonly value: string;
}

/** One notification as read from the wire. */
export interface Notification {
  /** As the camera wrote it, with prefixes. */
  readonly topic: string;
  /** Initialized: a state that was there already. Deleted: the thing it is about is gone. Empty: no property, something that happened. */
  readonly operation: string;
  /** ms since 1970 by the camera's clock; undefined when it does not say. */
  readonly cameraAtMs: number | undefined;
  readonly source: readonly EventItem[];
  readonly data: readonly EventItem[];
}

/** A notification understood. */
export interface EventMeaning {
  readonly kind: CameraEvent['kind'];
  readonly isOn: boolean;
  readonly source: string;
  /** Topic and source items: one property of the camera, which has one state. */
  readonly property: string;
  /** It happened and has no end of its own, like a line being crossed. */
  readonly isMoment: boolean;
}

/** First match wins; patterns see the topic in lower case without prefixes. */
const KINDS: readonly (readonly [CameraEvent['kind'], RegExp])[] = [
  ['hardware-failure', /hardwarefailure|storagefailure|fanfailure|powersupplyfailure|temperaturecritical/],
  ['video-loss', /signalloss|videoloss/],
  ['tamper', /tamper|globalscenechange|imagetoo(?:dark|bright|blurry)|(?:^|\/)shelter|sabotage/],
  ['digital-input', /digitalinput|virtualinput|(?:^|\/)io\/port(?:\/|$)|(?:^|\/)alarmin(?:put)?(?:\/|$)/],
  ['relay', /(?:^|\/)relay|digitaloutput/],
  ['motion', /motion|fielddetector|linedetector|(?:people|person|vehicle|dogcat|animal|face|human)detect|(?:^|\/)intrusion/],
];

/** Data items that carry the state, best first; others count only when none of these is there. */
const STATE_NAMES: readonly string[] = [
  'ismotion',
  'istamper',
  'isinside',
  'logicalstate',
  'state',
  'failed',
  'critical',
  'active',
  'alarm',
  'value',
];
const ON: ReadonlySet<string> = new Set([
  '1',
  'true',
  'active',
  'on',
  'yes',
  'trigger',
  'triggered',
  'alarm',
  'start',
  'failed',
  'critical',
]);
const OFF: ReadonlySet<string> = new Set(['0', 'false', 'inactive', 'off', 'no', 'normal', 'idle', 'ok', 'stop']);

/** Source items by how well they name the thing; analytics tokens and rule names do not tell cameras apart. */
const SOURCE_NAMES: readonly string[] = [
  'videosourcetoken',
  'videosource',
  'source',
  'inputtoken',
  'relaytoken',
  'relayoutputtoken',
  'videosourceconfigurationtoken',
  'token',
  'port',
];
const LONGEST_SOURCE = 128;

/** `tns1:RuleEngine/tnsx:CellMotionDetector/Motion` without prefixes, in lower case. */
const plainTopic = (topic: string): string =>
  topic
    .trim()
    .split('/')
    .map((step) => step.slice(step.lastIndexOf(':') + 1).toLowerCase())
    .filter((step) => step !== '')
    .join('/');

/** The kind that a topic is about, whatever its messages say; undefined for none of ours. */
export function kindOfTopic(topic: string): CameraEvent['kind'] | undefined {
  const plain = plainTopic(topic);
  return KINDS.find(([, pattern]) => pattern.test(plain))?.[0];
}

function asState(value: string): boolean | undefined {
  const word = value.trim().toLowerCase();
  if (ON.has(word)) return true;
  return OFF.has(word) ? false : undefined;
}

function pick(items: readonly EventItem[], names: readonly string[]): EventItem | undefined {
  for (const name of names) {
    const found = items.find((item) => item.name.toLowerCase() === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function stateOf(data: readonly EventItem[]): boolean | undefined {
  const named = asState(pick(data, STATE_NAMES)?.value ?? '');
  if (named !== undefined) return named;
  return data.map((item) => asState(item.value)).find((state) => state !== undefined);
}

function sourceOf(kind: CameraEvent['kind'], topic: string, items: readonly EventItem[]): string {
  const named = pick(items, SOURCE_NAMES) ?? items.find((item) => !/rule|analytics/i.test(item.name));
  const fallback = kind === 'hardware-failure' ? topic.slice(topic.lastIndexOf('/') + 1) : '';
  return (named?.value || fallback).slice(0, LONGEST_SOURCE);
}

/** Undefined for what is none of our kinds or carries no state that could be understood. */
export function meaningOf(notification: Notification): EventMeaning | undefined {
  const topic = plainTopic(notification.topic);
  const kind = kindOfTopic(topic);
  if (kind === undefined) return undefined;
  const isDeleted = notification.operation.toLowerCase() === 'deleted';
  const state = isDeleted ? false : stateOf(notification.data);
  const isMoment = state === undefined && notification.operation === '' && kind === 'motion';
  if (state === undefined && !isMoment) return undefined;
  const items = notification.source.map(({ name, value }) => `${name}=${value}`).sort();
  return {
    kind,
    isOn: state ?? true,
    source: sourceOf(kind, topic, notification.source),
    property: [topic, ...items].join('\0').slice(0, 1024),
    isMoment,
  };
}
