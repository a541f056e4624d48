/** A connection to a camera made of canned answers: the modules of its services without sockets, on a clock the test moves. */
import { withDeadline } from '../../../../drivers/onvif/deadline.js';
import { faultError, readFault } from '../../../../drivers/onvif/fault.js';
import type { LinkRequest, OnvifLink } from '../../../../drivers/onvif/link.js';
import type { AskExtras, ServiceName } from '../../../../drivers/onvif/services.js';
import { buildEnvelope, parseXml } from '../../../../drivers/onvif/soap.js';
import { DriverError } from '../../../../drivers/port.js';
import { envelope, fault } from '../../../peers/soap-answers.js';
import { ManualClock } from '../../../support/manual-clock.js';

export interface Asked {
  readonly service: ServiceName;
  readonly name: string;
  readonly body: string;
  readonly extras: AskExtras;
  /** The whole request as it would go out, without login. */
  readonly xml: string;
  readonly atMs: number;
}

/** An answer's body, an error to fail with, or never. */
export type Answerer = (asked: Asked) => string | DriverError | Promise<string | DriverError>;

export interface FakeLink {
  readonly link: OnvifLink;
  readonly clock: ManualClock;
  readonly asked: Asked[];
  /** How often an operation was asked for. */
  count(name: string): number;
  last(name: string): Asked;
  answer(next: Answerer): void;
}

export interface FakeLinkOptions {
  readonly services?: readonly ServiceName[];
  readonly offsetMs?: number;
  readonly isClockKnown?: boolean;
  readonly fetch?: (request: LinkRequest, signal: AbortSignal) => Promise<{ readonly status: number }>;
  readonly port?: number;
}

const ALL: readonly ServiceName[] = ['device', 'media', 'imaging', 'events', 'deviceIo', 'recording', 'search', 'replay'];
const QUIET = { debug: () => undefined, info: () => undefined, warn: () => undefined };

/** `<name>Response` with `inner`, no namespaces: the driver reads local names. */
export const says = (name: string, inner = ''): string => envelope(`<${name}Response>${inner}</${name}Response>`);
export const refuses = (subcode = 'InvalidArgVal'): string => fault([subcode], 'no').body;
export const unsupported = (): string => fault(['ActionNotSupported'], 'no such thing').body;
export const gone = (): DriverError => new DriverError('camera.unreachable', 'no connection');
export const never = (): Promise<never> => new Promise(() => undefined);
export const patient = (): { signal: AbortSignal } => ({ signal: new AbortController().signal });

function untilAborted<T>(work: T | Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    Promise.resolve(work).then(resolve, reject);
  });
}

async function contentOf(xml: string, name: string): Promise<unknown> {
  const parsed = (await parseXml(xml)) as { Body: Record<string, unknown> };
  const said = readFault(parsed);
  if (said !== undefined) throw faultError(said, 400);
  const content = parsed.Body[`${name}Response`];
  if (content === undefined) throw new DriverError('camera.bad_answer', `the answer holds no ${name}Response`);
  return content === '' ? {} : content;
}

export function fakeLink(first: Answerer, options: FakeLinkOptions = {}): FakeLink {
  const clock = new ManualClock();
  const asked: Asked[] = [];
  let answer = first;
  const services = options.services ?? ALL;
  const ask = async (signal: AbortSignal, service: ServiceName, name: string, body: string, extras: AskExtras = {}): Promise<unknown> => {
    if (signal.aborted) throw signal.reason;
    const request = { service, name, body, extras, xml: buildEnvelope(body, extras.header ?? ''), atMs: clock.monotonicMs() };
    asked.push(request);
    const said = await untilAborted(answer(request), signal);
    if (said instanceof DriverError) throw said;
    extras.onText?.(said);
    return contentOf(said, name);
  };
  const port = options.port ?? 80;
  const link: OnvifLink = {
    clock,
    log: QUIET,
    reached: { scheme: 'http:', host: '127.0.0.1', socketHost: '127.0.0.1', port, key: `127.0.0.1:${port}`, path: '/onvif/device_service' },
    sourceToken: 'source-1',
    profileToken: 'main',
    offsetMs: () => options.offsetMs ?? 0,
    isClockKnown: () => options.isClockKnown ?? true,
    has: (service) => services.includes(service),
    run: (callOptions, work, deadlineMs) =>
      withDeadline(
        clock,
        callOptions.signal,
        (signal) => work({ signal, ask: (service, name, body, extras) => ask(signal, service, name, body, extras) }),
        deadlineMs,
      ),
    fetch: async (request, signal) => {
      const made = await untilAborted(options.fetch?.(request, signal) ?? Promise.resolve({ status: 200 }), signal);
      return { challenges: [], dateAt: undefined, body: '', bytes: new Uint8Array(0), mediaType: 'text/plain', ...made };
    },
  };
  return {
    link,
    clock,
    asked,
    count: (name) => asked.filter((one) => one.name === name).length,
    last: (name) => {
      const found = asked.filter((one) => one.name === name).at(-1);
      if (found === undefined) throw new DriverError('camera.bad_answer', `${name} was never asked for`);
      return found;
    },
    answer: (next) => {
      answer = next;
    },
  };
}
