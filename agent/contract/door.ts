import * as z from 'zod/mini';
import { Id16, Serial } from './shapes.js';
import { type TopicScope, topics } from './topics.js';

/**
 * The door on the local network carries the relay's letters over HTTPS. An app opens one stream (`GET /events`, lines of JSON as they come),
 * says which topics it wants to hear (`POST /events/<stream>`), and sends a letter as the body of `POST /<topic>`. One stream and not one
 * per topic: a browser opens six connections to a host, and a stream that is opened anew for each question would lose answers in between.
 */
export const DOOR_PATHS = { facts: '/door', events: '/events' } as const;

/** What `GET /door` tells to anybody: who this is, nothing else. */
export const DoorFacts = z.strictObject({ serial: Serial, tenant: z.string().check(z.regex(/^[a-z0-9-]{1,32}$/)) });
/** The facts as a value. */
export type DoorFacts = z.infer<typeof DoorFacts>;

/** First line of a stream: the name by which its topics are changed. Whoever knows it may do so, so it is told to nobody else. */
export const StreamOpened = z.strictObject({ stream: Id16 });
/** The name as a value. */
export type StreamOpened = z.infer<typeof StreamOpened>;

/** Every further line; `payload` is base64url. A line with nothing in it only says that the door is still there. */
export const StreamMessage = z.strictObject({
  topic: z.string().check(z.maxLength(200)),
  payload: z.string().check(z.maxLength(400_000), z.regex(/^[A-Za-z0-9_-]*$/)),
});
/** The message as a value. */
export type StreamMessage = z.infer<typeof StreamMessage>;

/** Most topics of one stream. */
export const MOST_STREAM_TOPICS = 32;
/** An empty line comes this often, so that an app learns of a connection that broke without a word. */
export const STREAM_BEAT_MS = 15_000;

const TopicList = z.array(z.string().check(z.maxLength(200))).check(z.maxLength(MOST_STREAM_TOPICS));
/** Body of `POST /events/<stream>`. */
export const TopicChange = z.strictObject({ add: TopicList, remove: TopicList });
/** The change as a value. */
export type TopicChange = z.infer<typeof TopicChange>;

/** What of a recorder can be heard at its door. */
export type UpKind = 'status' | 'checkpoint' | 'reply' | 'pair' | 'site';

/** What a topic under `up/` of this recorder means to somebody at the door; undefined for anything else, patterns included. */
export function readUpTopic(scope: TopicScope, topic: string): UpKind | undefined {
  if (topic === topics.status(scope)) return 'status';
  if (topic === topics.checkpoint(scope)) return 'checkpoint';
  const id = topic.slice(topic.lastIndexOf('/') + 1);
  if (!/^[A-Za-z0-9_-]{22}$/.test(id)) return undefined;
  if (topic === topics.reply(scope, id)) return 'reply';
  if (topic === topics.pairUp(scope, id)) return 'pair';
  return topic === topics.site(scope, id) ? 'site' : undefined;
}
