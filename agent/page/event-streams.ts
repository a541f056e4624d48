import { MOST_STREAM_TOPICS, readUpTopic, type StreamMessage, type StreamOpened, type TopicChange } from '../contract/door.js';
import { newId, toBase64url, utf8 } from '../contract/text.js';
import type { TopicScope } from '../contract/topics.js';

/**
 * Streams of one address: beyond them the oldest is ended, which is most often one whose phone has gone without a word. One fewer than the
 * connections that a browser opens to a host, so that many open pages never leave none for a letter.
 */
export const MOST_STREAMS_PER_ADDRESS = 5;
/** Fewer than connections, so that letters still find one when every stream is taken. */
export const MOST_STREAMS = 32;
/** A listener that does not read is ended when this much waits for it. */
const MOST_WAITING_BYTES = 256 * 1024;

/** Where the lines of one stream go. */
export interface StreamSink {
  /** Bytes written that the other side has not taken yet. */
  readonly waitingBytes: number;
  write(line: string): void;
  end(): void;
}

interface Stream {
  readonly address: string;
  readonly sink: StreamSink;
  readonly topics: Set<string>;
}

/** How a change of topics went. */
export type ChangeResult = 'done' | 'unknown_stream' | 'topic_not_allowed' | 'too_many_topics';

/** Who listens at the door, and to what. Exact topics of this recorder only: nobody can listen to everything, or to another one. */
export class EventStreams {
  readonly #scope: TopicScope;
  readonly #streams = new Map<string, Stream>();

  constructor(scope: TopicScope) {
    this.#scope = scope;
  }

  /** Streams that are open. */
  get count(): number {
    return this.#streams.size;
  }

  /** The name of the new stream, which is its first line; undefined when there is no room. */
  open(address: string, sink: StreamSink): string | undefined {
    const here = [...this.#streams].filter(([, stream]) => stream.address === address);
    const oldest = here[0];
    if (oldest !== undefined && here.length >= MOST_STREAMS_PER_ADDRESS) this.close(oldest[0]);
    if (this.#streams.size >= MOST_STREAMS) return undefined;
    const name = newId();
    this.#streams.set(name, { address, sink, topics: new Set() });
    sink.write(`${JSON.stringify({ stream: name } satisfies StreamOpened)}\n`);
    return name;
  }

  /** All or nothing. */
  change(name: string, { add, remove }: TopicChange): ChangeResult {
    const stream = this.#streams.get(name);
    if (stream === undefined) return 'unknown_stream';
    if (add.some((topic) => readUpTopic(this.#scope, topic) === undefined)) return 'topic_not_allowed';
    const wanted = new Set(stream.topics);
    for (const topic of remove) wanted.delete(topic);
    for (const topic of add) wanted.add(topic);
    if (wanted.size > MOST_STREAM_TOPICS) return 'too_many_topics';
    stream.topics.clear();
    for (const topic of wanted) stream.topics.add(topic);
    return 'done';
  }

  /** To everybody who asked for this very topic; false when nobody did. */
  publish(topic: string, payload: string): boolean {
    const names = [...this.#streams].filter(([, stream]) => stream.topics.has(topic)).map(([name]) => name);
    if (names.length === 0) return false;
    const line = messageLine(topic, payload);
    for (const name of names) this.#write(name, line);
    return true;
  }

  /** To one stream, when it still listens to the topic: what is kept of a topic for those who come later. */
  tell(name: string, topic: string, payload: string): void {
    if (this.#streams.get(name)?.topics.has(topic) === true) this.#write(name, messageLine(topic, payload));
  }

  /** A sign of life on every stream. */
  beat(): void {
    for (const name of [...this.#streams.keys()]) this.#write(name, '\n');
  }

  /** Also for a stream whose connection has ended by itself. */
  close(name: string): void {
    const stream = this.#streams.get(name);
    this.#streams.delete(name);
    stream?.sink.end();
  }

  closeAll(): void {
    for (const name of [...this.#streams.keys()]) this.close(name);
  }

  #write(name: string, line: string): void {
    const stream = this.#streams.get(name);
    if (stream === undefined) return;
    if (stream.sink.waitingBytes > MOST_WAITING_BYTES) this.close(name);
    else stream.sink.write(line);
  }
}

function messageLine(topic: string, payload: string): string {
  return `${JSON.stringify({ topic, payload: toBase64url(utf8(payload)) } satisfies StreamMessage)}\n`;
}
