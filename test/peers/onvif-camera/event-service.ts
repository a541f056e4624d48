/** The Event service: pull points, base notification, and the subscription manager behind both. */
import { type EventMessage, type EventName, type EventState, eventMessage, topicSetXml } from './camera-events.js';
import type { EventKind } from './camera-options.js';
import { xsDuration } from './duration.js';
import type { Call, Operation, Service } from './operation.js';
import type { PullPoints, Subscription } from './pull-points.js';
import type { CameraQuirks } from './quirks.js';
import { serviceCapabilities } from './service-list.js';
import { SoapFault } from './soap.js';
import { child, escapeXml, textAt, type XmlElement } from './xml.js';

/** The camera as this service needs it. */
export interface EventServiceState {
  readonly kind: Exclude<EventKind, 'none'>;
  readonly points: PullPoints;
  readonly quirks: () => CameraQuirks;
  /** How long a pull is held and a subscription granted at most; read at each request. */
  readonly limits: { readonly longestPullMs: number; readonly longestLifeMs: number };
  /** What the camera tells of at all. */
  readonly kinds: readonly EventName[];
  /** Every property with its present value. */
  properties(): readonly EventState[];
}

/** Path of the subscription manager. */
export const SUBSCRIPTION_PATH = '/onvif/subscription';
const AXIS = 'http://www.axis.com/2009/event';
const DEFAULT_LIFE_MS = 60_000;
const MAX_LIFE_MS = 3_600_000;
const TOPIC_DIALECTS = [
  'http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete',
  'http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet',
];

const utc = (at: number): string => new Date(at).toISOString();
const gone = (): SoapFault => new SoapFault('Sender', ['ter:InvalidArgVal', 'ter:ResourceUnknown'], 'There is no such subscription');

/** xs:duration or an absolute time, as a length from now. */
function lifetime(text: string | undefined, now: number): number {
  if (text === undefined || text === '') return DEFAULT_LIFE_MS;
  const ms = text.startsWith('P') ? xsDuration(text) : Date.parse(text) - now;
  if (ms === undefined || Number.isNaN(ms) || ms <= 0 || ms > MAX_LIFE_MS)
    throw new SoapFault(
      'Sender',
      ['ter:InvalidArgVal', 'ter:UnacceptableInitialTerminationTimeFault'],
      'This termination time is not accepted',
    );
  return ms;
}

function filterOf(body: XmlElement): string {
  const filter = child(body, 'Filter');
  if (filter === undefined) return '';
  const topics = child(filter, 'TopicExpression');
  if (filter.children.some((one) => one.name !== 'TopicExpression'))
    throw new SoapFault('Sender', ['ter:InvalidArgVal', 'ter:InvalidFilterFault'], 'Only topics are filtered');
  if (!TOPIC_DIALECTS.includes(topics?.attributes.get('Dialect') ?? ''))
    throw new SoapFault('Sender', ['ter:InvalidArgVal', 'ter:TopicExpressionDialectUnknownFault'], 'This dialect is not known');
  return topics?.text ?? '';
}

/** A wsa:EndpointReference to the subscription manager. */
function reference(subscription: Subscription, quirks: CameraQuirks, baseUri: string): string {
  const isShared = quirks.axisReference;
  const address = `${baseUri}${SUBSCRIPTION_PATH}${isShared ? '' : `?id=${subscription.id}`}`;
  const id = `<axis:SubscriptionId xmlns:axis="${AXIS}">${subscription.id}</axis:SubscriptionId>`;
  const parameters = isShared || quirks.pinnedReference ? `<wsa5:ReferenceParameters>${id}</wsa5:ReferenceParameters>` : '';
  return `<wsa5:Address>${escapeXml(address)}</wsa5:Address>${parameters}`;
}

const referenceHeader = ({ header }: Call): string => child(header, 'SubscriptionId', AXIS)?.text.trim() ?? '';
const hasMessageId = ({ header }: Call): boolean => (textAt(header, 'MessageID') ?? '') !== '';

/** The subscription that a request is about, by its address or, where the address is shared, by its reference header. */
function subscriptionOf(state: EventServiceState, call: Call): Subscription {
  const id = state.quirks().axisReference ? referenceHeader(call) : (/[?&]id=(\d+)/.exec(call.path)?.[1] ?? '');
  const found = state.points.get(id);
  if (found === undefined) throw gone();
  return found;
}

function checkPinned(subscription: Subscription, call: Call): void {
  const header = referenceHeader(call);
  subscription.pinned ??= header;
  if (subscription.pinned !== header) throw gone();
}

const messagesOf = (state: EventServiceState): readonly EventMessage[] =>
  state.properties().map((property) => eventMessage(property, 'Initialized', state.quirks()));

/** `forMs` is what the client asked for; the quirk ends the subscription at once all the same. */
function subscribe(
  state: EventServiceState,
  forMs: number,
  filter: string,
  consumer: string | undefined,
  doomed: { left: number },
): Subscription {
  const { maxPullPoints, endsSubscriptions } = state.quirks();
  if (maxPullPoints > 0 && state.points.count >= maxPullPoints)
    throw new SoapFault('Receiver', ['ter:Action', 'ter:MaxNotificationProducers'], `At most ${maxPullPoints} subscriptions`);
  const made = state.points.create(forMs, filter, consumer, messagesOf(state));
  if (doomed.left < endsSubscriptions) {
    doomed.left += 1;
    state.points.remove(made);
  }
  return made;
}

function manager(state: EventServiceState): Service {
  return {
    Renew: {
      access: 'READ_MEDIA',
      takes: ['TerminationTime'],
      answer: (body, call) => {
        const { refusesRenew } = state.quirks();
        if (refusesRenew === 'always' || (refusesRenew === 'without-message-id' && !hasMessageId(call)))
          throw new SoapFault('Sender', ['ter:ActionNotSupported'], 'Renew is not supported');
        const subscription = subscriptionOf(state, call);
        const forMs = Math.min(state.limits.longestLifeMs, lifetime(textAt(body, 'TerminationTime'), call.now));
        subscription.endsAt = performance.now() + forMs;
        const times = `<wsnt:TerminationTime>${utc(call.now + forMs)}</wsnt:TerminationTime><wsnt:CurrentTime>${utc(call.now)}</wsnt:CurrentTime>`;
        return `<wsnt:RenewResponse>${times}</wsnt:RenewResponse>`;
      },
      header: (call) => replyHeader('http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/RenewResponse', call),
    },
    Unsubscribe: {
      access: 'READ_MEDIA',
      takes: [],
      answer: (_body, call) => {
        state.points.remove(subscriptionOf(state, call));
        return '<wsnt:UnsubscribeResponse/>';
      },
      header: (call) => replyHeader('http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/UnsubscribeResponse', call),
    },
  };
}

/** WS-Addressing of an answer: its action, and the message it belongs to. */
function replyHeader(action: string, { header }: Call): string {
  const id = textAt(header, 'MessageID');
  const relation = id === undefined ? '' : `<wsa5:RelatesTo>${escapeXml(id)}</wsa5:RelatesTo>`;
  return `${relation}<wsa5:Action>${action}</wsa5:Action>`;
}

const tevHeader =
  (name: string): NonNullable<Operation['header']> =>
  (call) =>
    replyHeader(`http://www.onvif.org/ver10/events/wsdl/${name}`, call);

function pullOperations(state: EventServiceState): Service {
  return {
    PullMessages: {
      access: 'READ_MEDIA',
      takes: ['Timeout', 'MessageLimit'],
      answer: async (body, call) => {
        const { stalledPulls, faultsPulls, pinnedReference } = state.quirks();
        if (stalledPulls) return new Promise<string>(() => undefined);
        if (faultsPulls) throw new SoapFault('Receiver', ['ter:Action'], 'Internal error');
        const subscription = subscriptionOf(state, call);
        if (pinnedReference) checkPinned(subscription, call);
        const timeoutMs = xsDuration(textAt(body, 'Timeout'));
        const limit = Number(textAt(body, 'MessageLimit'));
        if (timeoutMs === undefined || !(limit > 0))
          throw new SoapFault('Sender', ['ter:InvalidArgs'], 'Timeout or MessageLimit is missing');
        const startedAt = performance.now();
        const messages = await state.points.pull(subscription, limit, Math.min(state.limits.longestPullMs, timeoutMs), call.onGone);
        if (state.points.get(subscription.id) === undefined) throw gone();
        const now = call.now + Math.round(performance.now() - startedAt);
        const ends = now + Math.max(0, Math.round(subscription.endsAt - performance.now()));
        const times = `<tev:CurrentTime>${utc(now)}</tev:CurrentTime><tev:TerminationTime>${utc(ends)}</tev:TerminationTime>`;
        return `<tev:PullMessagesResponse>${times}${messages.map((one) => one.xml).join('')}</tev:PullMessagesResponse>`;
      },
      header: tevHeader('PullPointSubscription/PullMessagesResponse'),
    },
    SetSynchronizationPoint: {
      access: 'READ_MEDIA',
      takes: [],
      answer: (_body, call) => {
        state.points.deliver(subscriptionOf(state, call), messagesOf(state));
        return '<tev:SetSynchronizationPointResponse/>';
      },
      header: tevHeader('PullPointSubscription/SetSynchronizationPointResponse'),
    },
  };
}

function properties(state: EventServiceState): string {
  const dialects = TOPIC_DIALECTS.map((dialect) => `<wsnt:TopicExpressionDialect>${dialect}</wsnt:TopicExpressionDialect>`).join('');
  return [
    '<tev:GetEventPropertiesResponse>',
    '<tev:TopicNamespaceLocation>http://www.onvif.org/onvif/ver10/topics/topicns.xml</tev:TopicNamespaceLocation>',
    `<wsnt:FixedTopicSet>true</wsnt:FixedTopicSet><wstop:TopicSet>${topicSetXml(state.quirks(), state.kinds)}</wstop:TopicSet>${dialects}`,
    '<tev:MessageContentFilterDialect>http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter</tev:MessageContentFilterDialect>',
    '<tev:MessageContentSchemaLocation>http://www.onvif.org/onvif/ver10/schema/onvif.xsd</tev:MessageContentSchemaLocation>',
    '</tev:GetEventPropertiesResponse>',
  ].join('');
}

/** What stands at the service's own address and at the subscription manager's, by namespace. */
export interface EventFaces {
  readonly tev: Service;
  readonly wsnt: Service;
  readonly managerTev: Service;
  readonly managerWsnt: Service;
}

/** The service over one camera's state. */
export function eventService(state: EventServiceState): EventFaces {
  const doomed = { left: 0 };
  const create: Operation = {
    access: 'READ_MEDIA',
    takes: ['Filter', 'InitialTerminationTime', 'SubscriptionPolicy'],
    answer: (body, call) => {
      const wanted = textAt(body, 'InitialTerminationTime');
      if (state.quirks().needsInitialTermination && wanted === undefined)
        throw new SoapFault(
          'Sender',
          ['ter:InvalidArgVal', 'ter:UnacceptableInitialTerminationTimeFault'],
          'InitialTerminationTime is missing',
        );
      const forMs = Math.min(state.limits.longestLifeMs, lifetime(wanted, call.now));
      const made = subscribe(state, forMs, filterOf(body), undefined, doomed);
      const times = `<wsnt:CurrentTime>${utc(call.now)}</wsnt:CurrentTime><wsnt:TerminationTime>${utc(call.now + forMs)}</wsnt:TerminationTime>`;
      const where = `<tev:SubscriptionReference>${reference(made, state.quirks(), call.baseUri)}</tev:SubscriptionReference>`;
      return `<tev:CreatePullPointSubscriptionResponse>${where}${times}</tev:CreatePullPointSubscriptionResponse>`;
    },
    header: tevHeader('EventPortType/CreatePullPointSubscriptionResponse'),
  };
  const base: Operation = {
    access: 'READ_MEDIA',
    takes: ['ConsumerReference', 'Filter', 'InitialTerminationTime', 'SubscriptionPolicy'],
    answer: (body, call) => {
      const consumer = textAt(body, 'ConsumerReference', 'Address') ?? '';
      if (!/^http:\/\//.test(consumer)) throw new SoapFault('Sender', ['ter:InvalidArgs'], 'ConsumerReference is missing');
      const forMs = Math.min(state.limits.longestLifeMs, lifetime(textAt(body, 'InitialTerminationTime'), call.now));
      const made = subscribe(state, forMs, filterOf(body), consumer, doomed);
      const where = `<wsnt:SubscriptionReference>${reference(made, state.quirks(), call.baseUri)}</wsnt:SubscriptionReference>`;
      const times = `<wsnt:CurrentTime>${utc(call.now)}</wsnt:CurrentTime><wsnt:TerminationTime>${utc(call.now + forMs)}</wsnt:TerminationTime>`;
      return `<wsnt:SubscribeResponse>${where}${times}</wsnt:SubscribeResponse>`;
    },
    header: (call) => replyHeader('http://docs.oasis-open.org/wsn/bw-2/NotificationProducer/SubscribeResponse', call),
  };
  const own: Service = {
    GetServiceCapabilities: serviceCapabilities('tev'),
    GetEventProperties: {
      access: 'READ_MEDIA',
      takes: [],
      answer: () => properties(state),
      header: tevHeader('EventPortType/GetEventPropertiesResponse'),
    },
    ...(state.kind === 'pull' ? { CreatePullPointSubscription: create } : {}),
  };
  return {
    tev: own,
    wsnt: { Subscribe: base },
    managerTev: state.kind === 'pull' ? pullOperations(state) : {},
    managerWsnt: manager(state),
  };
}
