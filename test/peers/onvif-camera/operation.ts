/** What one ONVIF operation is here: who may call it, and how it is answered. */
import type { StreamKind } from './rtsp-context.js';
import { SoapFault } from './soap.js';
import type { XmlElement } from './xml.js';

/** ONVIF's access classes (core specification, default access policy). */
export type AccessClass = 'PRE_AUTH' | 'READ_SYSTEM' | 'READ_MEDIA' | 'ACTUATE';

/** The circumstances of one request. */
export interface Call {
  /** Where this request reached the device, e.g. http://127.0.0.1:8080 (or another host behind NAT, see the switch). */
  readonly baseUri: string;
  readonly streamUri: (kind: StreamKind) => string;
  /** The device's clock, ms since 1970. */
  readonly now: number;
}

export interface Operation {
  readonly access: AccessClass;
  /** The names of the parameters that may stand in the request; anything else is refused. */
  readonly takes: readonly string[];
  /** The answer's body; throws SoapFault. */
  answer(body: XmlElement, call: Call): string;
}

export type Service = Readonly<Record<string, Operation>>;

/** Answers one call after checking its parameters' names and that none is there twice. */
export function answerOperation(operation: Operation, body: XmlElement, call: Call): string {
  const seen = new Set<string>();
  for (const { name, space } of body.children) {
    if (!operation.takes.includes(name) || space !== body.space)
      throw new SoapFault('Sender', ['ter:InvalidArgs'], `Unexpected element ${name}`);
    if (seen.has(name) && name !== 'Category') throw new SoapFault('Sender', ['ter:InvalidArgs'], `Element ${name} is there twice`);
    seen.add(name);
  }
  return operation.answer(body, call);
}

/** Whether an account's level covers an access class. */
export function mayCall(level: 'Administrator' | 'Operator' | 'User', access: AccessClass): boolean {
  return access !== 'ACTUATE' || level !== 'User';
}
