import { DriverError } from '../port.js';
import { faultError, readFault } from './fault.js';
import type { HttpAnswer } from './transport.js';
import type { XmlReader } from './xml-reader.js';

function notSoap(answer: HttpAnswer, text: string, detail: Readonly<Record<string, unknown>>): DriverError {
  if (answer.status === 401 || answer.status === 403) {
    return new DriverError('camera.unauthorized', `the camera answered ${answer.status}`, { detail });
  }
  if (text.trim() === '' && answer.status < 300) return new DriverError('camera.bad_answer', 'the answer is empty', { detail });
  if (answer.status >= 500) return new DriverError('camera.bad_answer', `the camera answered ${answer.status}`, { detail });
  return new DriverError('camera.not_onvif', `the answer is not ONVIF (HTTP ${answer.status})`, { detail });
}

/**
 * Content of the `<name>Response` element. Rejects with `camera.not_onvif` or `camera.bad_answer` for what is no such answer, and
 * with the meaning of a SOAP fault (`detail.fault` has its subcodes).
 */
export async function readAnswer(name: string, answer: HttpAnswer, reader: XmlReader, signal: AbortSignal): Promise<unknown> {
  const text = answer.bytes.toString('utf8');
  // A byte order mark is no part of the XML; trimStart takes it too.
  const trimmed = text.trimStart();
  const facts = { http: answer.status, operation: name };
  if (!trimmed.startsWith('<') || /^<(!doctype )?html/i.test(trimmed)) throw notSoap(answer, text, facts);
  const envelope = await reader.parse(trimmed, signal);
  const fault = readFault(envelope);
  if (fault !== undefined) throw faultError(fault, answer.status);
  const body = (envelope as { Body?: unknown } | null)?.Body;
  if (body === undefined) throw new DriverError('camera.not_onvif', 'the answer is XML, but not SOAP', { detail: facts });
  if (answer.status === 401) throw new DriverError('camera.unauthorized', 'the camera answered 401', { detail: facts });
  const element = `${name}Response`;
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, element)) {
    throw new DriverError('camera.bad_answer', `the answer holds no ${element}`, { detail: facts });
  }
  // An element without content parses as an empty text: here it is an answer without fields.
  const content = (body as Record<string, unknown>)[element];
  return content === '' ? {} : content;
}

/**
 * Whether a failure may come from the Content-Type naming the SOAP action (or not naming it): no SOAP at all, or a fault about the
 * action itself.
 */
export function isAboutAction(error: DriverError): boolean {
  const fault = error.detail.fault as { readonly subcodes: readonly string[]; readonly reason: string } | undefined;
  if (fault !== undefined)
    return fault.subcodes.some((word) => /^Action/.test(word)) || /\[?action\]? cannot be processed/i.test(fault.reason);
  return error.code === 'camera.not_onvif' || error.code === 'camera.bad_answer';
}
