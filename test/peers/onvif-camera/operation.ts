/** What one ONVIF operation is here: who may call it, and how it is answered. */
import type { StreamKind } from './rtsp-context.js';
import { SoapFault } from './soap.js';
import type { XmlElement } from './xml.js';

/** ONVIF's access classes (core specification, default access policy). */
export type AccessClass = 'PRE_AUTH' | 'READ_SYSTEM' | 'READ_MEDIA' | 'ACTUATE' | 'WRITE_SYSTEM' | 'UNRECOVERABLE';

/** The circumstances of one request. */
export interface Call {
  /** Where this request reached the device, e.g. http://127.0.0.1:8080 (or another host behind NAT, see the switch). */
  readonly baseUri: string;
  readonly streamUri: (kind: StreamKind) => string;
  /** Of a recording, as GetReplayUri gives it. */
  readonly replayUri: (recording: string) => string;
  /** The device's clock, ms since 1970. */
  readonly now: number;
  /** Path and query that were asked. */
  readonly path: string;
  /** The envelope's header. */
  readonly header: XmlElement | undefined;
  /** Runs `act` when the client goes away before it is answered. */
  onGone(act: () => void): void;
}

export interface Operation {
  readonly access: AccessClass;
  /** The names of the parameters that may stand in the request; anything else is refused. */
  readonly takes: readonly string[];
  /** Those of them that may stand there more than once. */
  readonly repeats?: readonly string[];
  /** The answer's body; throws SoapFault. */
  answer(body: XmlElement, call: Call): string | Promise<string>;
  /** Header blocks of the answer. */
  header?(call: Call): string;
}

export type Service = Readonly<Record<string, Operation>>;

/** Answers one call after checking its parameters' names and that none is there twice. */
export function answerOperation(operation: Operation, body: XmlElement, call: Call): string | Promise<string> {
  const seen = new Set<string>();
  for (const { name, space } of body.children) {
    if (!operation.takes.includes(name) || space !== body.space)
      throw new SoapFault('Sender', ['ter:InvalidArgs'], `Unexpected element ${name}`);
    if (seen.has(name) && operation.repeats?.includes(name) !== true)
      throw new SoapFault('Sender', ['ter:InvalidArgs'], `Element ${name} is there twice`);
    seen.add(name);
  }
  return operation.answer(body, call);
}

/** Whether an account's level covers an access class. */
export function mayCall(level: 'Administrator' | 'Operator' | 'User', access: AccessClass): boolean {
  if (access === 'WRITE_SYSTEM' || access === 'UNRECOVERABLE') return level === 'Administrator';
  return access !== 'ACTUATE' || level !== 'User';
}

/** An operation that anyone with a login may call. */
export const reads = (takes: readonly string[], answer: Operation['answer']): Operation => ({ access: 'READ_MEDIA', takes, answer });

/** An operation that changes something in the scene or the picture. */
export const acts = (takes: readonly string[], answer: Operation['answer']): Operation => ({ access: 'ACTUATE', takes, answer });
