import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { servicePath } from './address.js';
import { referenceHeaders } from './events-reference.js';
import type { EventItem, Notification } from './events-topics.js';
import type { LinkCall, OnvifLink } from './link.js';
import { instantMs } from './patience.js';
import { attributes, first, many, read, text } from './shapes.js';
import { escapeXml } from './xml.js';

/** What is asked for; the camera may give less. Long enough that a renewal in time is easy, short enough that lost ones soon free their place. */
export const LIFETIME_MS = 60_000;
const PULL_ACTION = 'http://www.onvif.org/ver10/events/wsdl/PullPointSubscription';
const PORT_ACTION = 'http://www.onvif.org/ver10/events/wsdl/EventPortType';
const WSN_ACTION = 'http://docs.oasis-open.org/wsn/bw-2';
/** Notifications that are read in one go: what we ask for at most. */
const PART = 50;
const LIFETIME = `PT${LIFETIME_MS / 1000}S`;

/** A subscription at the camera. */
export interface Subscription {
  /** Path and query to ask, on the reached host. */
  readonly path: string;
  /** Its address as the camera wrote it: what wsa:To must say. */
  readonly to: string;
  /** Header blocks that go with every request; taken from the first answer and never from a later one. */
  readonly reference: string;
  /** How long it lives from its making or last renewal. */
  readonly lifetimeMs: number;
}

/** What one round of pulling brought. */
export interface Pulled {
  readonly notifications: readonly Notification[];
  /** What it has left to live, by the camera's own two times; undefined when it does not say. */
  readonly leftMs: number | undefined;
}

const Items = first(z.object({ SimpleItem: many(z.unknown()) }));
const Item = z.object({ $: attributes('Name', 'Value') });
const Inner = z.object({ $: attributes('UtcTime', 'PropertyOperation'), Source: Items, Key: Items, Data: Items });
const Message = z.object({ Topic: text, Message: first(z.object({ Message: first(Inner) })) });
const Reference = first(z.object({ Address: text }));
const Made = z.object({ SubscriptionReference: Reference, CurrentTime: text, TerminationTime: text });
const Renewed = z.object({ CurrentTime: text, TerminationTime: text });
const Messages = z.object({ CurrentTime: text, TerminationTime: text, NotificationMessage: many(z.unknown()) });
const Notify = z.object({ Body: z.object({ Notify: first(z.object({ NotificationMessage: many(z.unknown()) })) }) });

function items(said: { readonly SimpleItem: readonly unknown[] } | undefined): readonly EventItem[] {
  return (said?.SimpleItem ?? []).slice(0, 32).flatMap((item) => {
    const made = z.safeParse(Item, item);
    return made.success ? [{ name: made.data.$.Name, value: made.data.$.Value }] : [];
  });
}

/** Notifications one by one: a broken one is passed over and does not take the others with it. */
function notificationsOf(said: readonly unknown[]): readonly Notification[] {
  return said.flatMap((one) => {
    const made = z.safeParse(Message, one);
    const inner = made.success ? made.data.Message?.Message : undefined;
    if (!made.success || inner === undefined) return [];
    return [
      {
        topic: made.data.Topic,
        operation: inner.$.PropertyOperation,
        cameraAtMs: instantMs(inner.$.UtcTime),
        source: [...items(inner.Source), ...items(inner.Key)],
        data: items(inner.Data),
      },
    ];
  });
}

/** The same for an answer that a camera filled to the brim, in parts, so that nothing else waits for the whole of it. */
async function readInTurns(said: readonly unknown[]): Promise<readonly Notification[]> {
  const all: Notification[] = [];
  for (let at = 0; at < said.length; at += PART) {
    if (at > 0) await new Promise<void>((resolve) => setImmediate(resolve));
    all.push(...notificationsOf(said.slice(at, at + PART)));
  }
  return all;
}

function between(currentTime: string, terminationTime: string): number | undefined {
  const from = instantMs(currentTime);
  const to = instantMs(terminationTime);
  return from === undefined || to === undefined ? undefined : Math.max(0, to - from);
}

/** Addressing of one request. Every request has an id of its own: some cameras refuse those without. */
function addressing(action: string, to: string, reference = ''): string {
  return `<wsa:Action>${action}</wsa:Action><wsa:MessageID>urn:uuid:${randomUUID()}</wsa:MessageID><wsa:To>${escapeXml(to)}</wsa:To>${reference}`;
}

/** The event service as wsa:To names it. */
const serviceUri = ({ reached }: OnvifLink): string => `${reached.scheme}//${reached.host}:${reached.port}${reached.path}`;

/** GetEventProperties: content of its answer. */
export function askEventProperties(link: OnvifLink, { ask }: LinkCall): Promise<unknown> {
  const action = `${PORT_ACTION}/GetEventPropertiesRequest`;
  const header = addressing(action, serviceUri(link));
  return ask('events', 'GetEventProperties', '<tev:GetEventProperties/>', { action, header });
}

async function make(link: OnvifLink, { ask }: LinkCall, request: { name: string; action: string; body: string }): Promise<Subscription> {
  let answered = '';
  const to = serviceUri(link);
  const said = await ask('events', request.name, request.body, {
    action: request.action,
    header: addressing(request.action, to),
    isRepeatable: false,
    onText: (xml) => {
      answered = xml;
    },
  });
  const made = read(Made, said, 'subscription');
  const address = made.SubscriptionReference?.Address ?? '';
  const path = servicePath(address);
  return {
    // A relative or missing address means the event service itself.
    path: path ?? '',
    to: path === undefined ? to : address,
    reference: referenceHeaders(answered),
    lifetimeMs: between(made.CurrentTime, made.TerminationTime) || LIFETIME_MS,
  };
}

/** CreatePullPointSubscription; the lifetime is always named, because some cameras refuse a request without. */
export function askPullPoint(link: OnvifLink, call: LinkCall): Promise<Subscription> {
  return make(link, call, {
    name: 'CreatePullPointSubscription',
    action: `${PORT_ACTION}/CreatePullPointSubscriptionRequest`,
    body:
      `<tev:CreatePullPointSubscription><tev:InitialTerminationTime>${LIFETIME}</tev:InitialTerminationTime>` +
      '</tev:CreatePullPointSubscription>',
  });
}

/** Subscribe: the camera sends its events to `consumer`, an http address of ours. */
export function askSubscribe(link: OnvifLink, call: LinkCall, consumer: string): Promise<Subscription> {
  return make(link, call, {
    name: 'Subscribe',
    action: `${WSN_ACTION}/NotificationProducer/SubscribeRequest`,
    body:
      `<wsnt:Subscribe><wsnt:ConsumerReference><wsa:Address>${escapeXml(consumer)}</wsa:Address></wsnt:ConsumerReference>` +
      `<wsnt:InitialTerminationTime>${LIFETIME}</wsnt:InitialTerminationTime></wsnt:Subscribe>`,
  });
}

async function askOf(
  call: LinkCall,
  subscription: Subscription,
  name: string,
  action: string,
  body: string,
  isLongPoll = false,
): Promise<unknown> {
  return call.ask('events', name, body, {
    ...(subscription.path === '' ? {} : { path: subscription.path }),
    action,
    header: addressing(action, subscription.to, subscription.reference),
    isLongPoll,
  });
}

/** PullMessages: waits at the camera for at most `waitMs` (whole seconds). */
export async function askPull(call: LinkCall, subscription: Subscription, waitMs: number, limit: number): Promise<Pulled> {
  const body =
    `<tev:PullMessages><tev:Timeout>PT${Math.max(1, Math.round(waitMs / 1000))}S</tev:Timeout>` +
    `<tev:MessageLimit>${limit}</tev:MessageLimit></tev:PullMessages>`;
  const content = await askOf(call, subscription, 'PullMessages', `${PULL_ACTION}/PullMessagesRequest`, body, true);
  const said = read(Messages, content, 'events');
  return { notifications: await readInTurns(said.NotificationMessage), leftMs: between(said.CurrentTime, said.TerminationTime) };
}

/** Renew; resolves with the time it then has left. */
export async function askRenew(call: LinkCall, subscription: Subscription): Promise<number> {
  const body = `<wsnt:Renew><wsnt:TerminationTime>${LIFETIME}</wsnt:TerminationTime></wsnt:Renew>`;
  const content = await askOf(call, subscription, 'Renew', `${WSN_ACTION}/SubscriptionManager/RenewRequest`, body);
  const said = read(Renewed, content, 'renewal');
  return between(said.CurrentTime, said.TerminationTime) || LIFETIME_MS;
}

/** SetSynchronizationPoint: the camera sends every state once more. */
export async function askStates(call: LinkCall, subscription: Subscription): Promise<void> {
  await askOf(
    call,
    subscription,
    'SetSynchronizationPoint',
    `${PULL_ACTION}/SetSynchronizationPointRequest`,
    '<tev:SetSynchronizationPoint/>',
  );
}

/** Unsubscribe. */
export async function askUnsubscribe(call: LinkCall, subscription: Subscription): Promise<void> {
  await askOf(call, subscription, 'Unsubscribe', `${WSN_ACTION}/SubscriptionManager/UnsubscribeRequest`, '<wsnt:Unsubscribe/>');
}

/** Notifications in a parsed Notify envelope that a camera sent to us; none for anything else. Never throws. */
export function readNotify(envelope: unknown): readonly Notification[] {
  const made = z.safeParse(Notify, envelope);
  return made.success ? notificationsOf(made.data.Body.Notify?.NotificationMessage ?? []) : [];
}
