import { AgentError } from '../kernel/errors.js';

/** What brokers and TLS say, sorted. Codes of CONNACK: MQTT 3.1.1 table 3.1, MQTT 5 section 3.2.2.2. Pure. */

/** 3.1.1 brokers answer a MQTT 5 CONNECT with their own code. */
const OTHER_VERSION: ReadonlySet<unknown> = new Set([1, 0x84]);
/** Bad name or password, not authorized, identifier not valid, banned; in both versions. */
const NOT_WANTED: ReadonlySet<unknown> = new Set([2, 4, 5, 0x85, 0x86, 0x87, 0x8a]);
/** Answers to a PUBLISH that the same message will always get: not authorized, topic or size or format not accepted. */
const NEVER: ReadonlySet<unknown> = new Set([0x87, 0x90, 0x95, 0x99]);

const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown } | undefined)?.code;

/** The broker does not speak this version of MQTT. */
export function isOtherVersion(error: unknown): boolean {
  return OTHER_VERSION.has(codeOf(error));
}

/** The broker does not want this client: refused in CONNACK, or by a TLS alert (with TLS 1.3 a certificate is judged after the handshake). */
export function isNotWanted(error: unknown): boolean {
  const code = codeOf(error);
  return NOT_WANTED.has(code) || (typeof code === 'string' && /^ERR_SSL_\w*_ALERT_/.test(code));
}

/** What is told of a message that the broker did not take. */
export function publishError(error: unknown): AgentError {
  return NEVER.has(codeOf(error)) ? refused(error) : offline(error);
}

function refused(cause: unknown): AgentError {
  return new AgentError({
    code: 'cloud.refused',
    say: 'The broker does not take this message from this recorder.',
    fix: 'Check the broker’s access rules and its largest packet size.',
    cause,
  });
}

/** Why we end a connection whose broker announces a packet that is larger than any message. */
export function tooLarge(): AgentError {
  return new AgentError({
    code: 'cloud.too_large',
    say: 'The broker sends a packet that is larger than any message.',
    fix: 'Set the broker’s largest packet size to 64 KiB for recorders.',
    retryable: true,
  });
}

/** It is not known to have arrived. */
export function offline(cause?: unknown): AgentError {
  return new AgentError({
    code: 'cloud.offline',
    say: 'There is no connection to the cloud.',
    fix: 'The recorder goes on by itself and connects again; check its internet connection if this lasts.',
    retryable: true,
    cause,
  });
}
