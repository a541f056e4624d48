/** What the camera notices, as ONVIF topics and property messages. Pure. */
import type { CameraQuirks } from './quirks.js';
import { escapeXml } from './xml.js';

/** The kinds that can be raised. */
export type EventName = 'motion' | 'tamper' | 'video-loss' | 'digital-input' | 'relay' | 'hardware-failure';

/** One change of a property. */
export interface RaisedEvent {
  readonly kind: EventName;
  readonly isOn: boolean;
  /** Token of the source, input or relay; the first one of the camera when not given. */
  readonly source?: string;
}

/** A property with its present value. */
export interface EventState {
  readonly kind: EventName;
  readonly source: string;
  isOn: boolean;
  /** The camera's clock when it last changed, ms. */
  atMs: number;
}

/** A message for one subscriber. */
export interface EventMessage {
  readonly topic: string;
  readonly xml: string;
}

/** How ONVIF words one kind: topic, names of the source item and of the data item, the two values. */
interface Wording {
  readonly topic: string;
  readonly sourceItem: string;
  readonly dataItem: string;
  readonly values: readonly [off: string, on: string];
  readonly firstSource: string;
}

const BOOLEAN = ['false', 'true'] as const;
const WORDINGS: Readonly<Record<EventName, Wording>> = {
  motion: {
    topic: 'tns1:RuleEngine/CellMotionDetector/Motion',
    sourceItem: 'VideoSourceConfigurationToken',
    dataItem: 'IsMotion',
    values: BOOLEAN,
    firstSource: 'source_config_0',
  },
  tamper: {
    topic: 'tns1:RuleEngine/TamperDetector/Tamper',
    sourceItem: 'VideoSourceConfigurationToken',
    dataItem: 'IsTamper',
    values: BOOLEAN,
    firstSource: 'source_config_0',
  },
  'video-loss': { topic: 'tns1:VideoSource/SignalLoss', sourceItem: 'Source', dataItem: 'State', values: BOOLEAN, firstSource: 'source_0' },
  'digital-input': {
    topic: 'tns1:Device/Trigger/DigitalInput',
    sourceItem: 'InputToken',
    dataItem: 'LogicalState',
    values: BOOLEAN,
    firstSource: 'input_0',
  },
  relay: {
    topic: 'tns1:Device/Trigger/Relay',
    sourceItem: 'RelayToken',
    dataItem: 'LogicalState',
    values: ['inactive', 'active'],
    firstSource: 'relay_0',
  },
  'hardware-failure': {
    topic: 'tns1:Device/HardwareFailure/StorageFailure',
    sourceItem: 'Token',
    dataItem: 'Failed',
    values: BOOLEAN,
    firstSource: 'storage_0',
  },
};

/** The kinds in the order in which the topic set lists them. */
export const EVENT_NAMES = Object.keys(WORDINGS) as readonly EventName[];

/** The source that is meant when none is named. */
export const firstSource = (kind: EventName): string => WORDINGS[kind].firstSource;

function wordingOf(kind: EventName, quirks: CameraQuirks): Wording {
  const plain = WORDINGS[kind];
  if (kind !== 'motion' || quirks.motionForm === undefined) return plain;
  const values = quirks.motionForm.endsWith('-1') ? (['0', '1'] as const) : BOOLEAN;
  if (quirks.motionForm.startsWith('cell')) return { ...plain, values };
  return { topic: 'tns1:VideoSource/MotionAlarm', sourceItem: 'Source', dataItem: 'State', values, firstSource: 'source_0' };
}

const item = (name: string, value: string): string => `<tt:SimpleItem Name="${name}" Value="${escapeXml(value)}"/>`;

/** The tt:Message of one property. */
function messageXml(wording: Wording, state: EventState, operation: 'Initialized' | 'Changed'): string {
  const source = wording.firstSource.startsWith('source_') && state.source.startsWith('source_config') ? 'source_0' : state.source;
  const rule = wording.topic.includes('RuleEngine') ? item('VideoAnalyticsConfigurationToken', 'analytics_0') + item('Rule', 'rule_0') : '';
  return [
    `<tt:Message UtcTime="${new Date(state.atMs).toISOString()}" PropertyOperation="${operation}">`,
    `<tt:Source>${item(wording.sourceItem, source)}${rule}</tt:Source>`,
    `<tt:Data>${item(wording.dataItem, wording.values[state.isOn ? 1 : 0])}</tt:Data></tt:Message>`,
  ].join('');
}

const TOPIC_DIALECT = 'http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet';

/** A wsnt:NotificationMessage of a property's present value. */
export function eventMessage(state: EventState, operation: 'Initialized' | 'Changed', quirks: CameraQuirks): EventMessage {
  const wording = wordingOf(state.kind, quirks);
  const message = `<wsnt:Message>${messageXml(wording, state, operation)}</wsnt:Message>`;
  return {
    topic: wording.topic,
    xml: `<wsnt:NotificationMessage><wsnt:Topic Dialect="${TOPIC_DIALECT}">${wording.topic}</wsnt:Topic>${message}</wsnt:NotificationMessage>`,
  };
}

/** Whether a topic is meant by a ConcreteSet expression (OASIS WS-Topics 1.3, section 7.3, as ONVIF narrows it); '' means all. */
export function isTopicWanted(topic: string, expression: string): boolean {
  if (expression.trim() === '') return true;
  const local = (path: string): string => path.replace(/[\w-]+:/g, '');
  return expression.split('|').some((part) => {
    const wanted = local(part.trim());
    if (wanted.endsWith('//.')) return `${local(topic)}/`.startsWith(`${wanted.slice(0, -3)}/`);
    return local(topic) === wanted;
  });
}

function description(wording: Wording): string {
  const row = (name: string, type: string): string => `<tt:SimpleItemDescription Name="${name}" Type="${type}"/>`;
  const type = wording.values[1] === 'active' ? 'tt:RelayLogicalState' : 'xs:boolean';
  const source = row(wording.sourceItem, 'tt:ReferenceToken');
  return `<tt:MessageDescription IsProperty="true"><tt:Source>${source}</tt:Source><tt:Data>${row(wording.dataItem, type)}</tt:Data></tt:MessageDescription>`;
}

/** The topic set of GetEventProperties, as a tree of elements. */
export function topicSetXml(quirks: CameraQuirks, kinds: readonly EventName[] = EVENT_NAMES): string {
  interface Branch {
    readonly branches: Map<string, Branch>;
    leaf: string;
  }
  const root: Branch = { branches: new Map(), leaf: '' };
  for (const kind of kinds) {
    const wording = wordingOf(kind, quirks);
    let at = root;
    for (const step of wording.topic.split('/')) {
      const next: Branch = at.branches.get(step) ?? { branches: new Map(), leaf: '' };
      at.branches.set(step, next);
      at = next;
    }
    at.leaf = description(wording);
  }
  const write = (name: string, branch: Branch): string => {
    const inner = [...branch.branches].map(([step, below]) => write(step, below)).join('');
    return `<${name}${branch.leaf === '' ? '' : ' wstop:topic="true"'}>${branch.leaf}${inner}</${name}>`;
  };
  return [...root.branches].map(([step, below]) => write(step, below)).join('');
}

/** All properties of a camera, at rest. */
export function restingProperties(now: number, kinds: readonly EventName[] = EVENT_NAMES): EventState[] {
  const more = [
    { kind: 'digital-input', source: 'input_1' },
    { kind: 'relay', source: 'relay_1' },
  ] as const;
  const first = EVENT_NAMES.map((kind) => ({ kind, source: firstSource(kind) }));
  return [...first, ...more].filter(({ kind }) => kinds.includes(kind)).map((one) => ({ ...one, isOn: false, atMs: now }));
}
