import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { ENROLMENT_BYTES, EnrolmentRefusal, type EnrolmentRequest } from '../contract/enrolment.js';
import { parseGuarded } from '../contract/guard.js';
import { parseShape } from '../contract/shapes.js';
import type { Clock } from '../kernel/clock.js';
import { withDeadline } from '../kernel/deadline.js';
import { AgentError } from '../kernel/errors.js';

/** Where certificates are issued. `caFile` undefined: the system’s CAs. */
export interface EnrolmentClientParts {
  /** https:// address. */
  readonly url: string;
  readonly caFile: string | undefined;
  readonly clock: Clock;
}

/** From the first packet to the last byte. */
const DEADLINE_MS = 20_000;

/** Asks the cloud for a client certificate: one POST, no redirects, an answer of at most 16 KiB within 20 s, the server's certificate verified. */
export class EnrolmentClient {
  readonly #parts: EnrolmentClientParts;

  constructor(parts: EnrolmentClientParts) {
    this.#parts = parts;
  }

  /**
   * The PEM chain.
   * @throws AgentError cloud.enrolment_unreachable (retryable) | cloud.enrolment_refused
   */
  async enrol(request: EnrolmentRequest, signal: AbortSignal): Promise<string> {
    const answer = await withDeadline(this.#parts.clock, DEADLINE_MS, (late) =>
      this.#post(JSON.stringify(request), AbortSignal.any([late, signal])),
    ).catch((cause: unknown) => {
      throw cause instanceof AgentError ? cause : unreachable(cause);
    });
    if (answer.status === 200) return answer.body.toString('latin1');
    throw refused(answer.status, answer.body);
  }

  async #post(body: string, signal: AbortSignal): Promise<{ readonly status: number; readonly body: Buffer }> {
    const { url, caFile } = this.#parts;
    const ca = caFile === undefined ? undefined : await readFile(caFile);
    const { protocol } = new URL(url);
    if (protocol !== 'https:') throw unreachable(undefined);
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      // No agent: nobody asks twice in a month, so no connection is kept.
      const options = { method: 'POST', headers, signal, agent: false, rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) };
      const sent = httpsRequest(url, options, (response) => {
        readBody(response).then((bytes) => resolve({ status: response.statusCode ?? 0, body: bytes }), reject);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

async function readBody(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > ENROLMENT_BYTES) {
      response.destroy();
      throw unreachable(undefined, `Its answer is longer than ${ENROLMENT_BYTES} bytes.`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function unreachable(cause: unknown, why = 'It did not answer in time, or not with a certificate that this recorder trusts.'): AgentError {
  return new AgentError({
    code: 'cloud.enrolment_unreachable',
    say: `The address where client certificates are issued cannot be used. ${why}`,
    fix: 'Check "enrol" and "caFile" in the site file, and the recorder’s internet connection and clock; it tries again by itself.',
    retryable: true,
    cause,
  });
}

/** The issuer's own words, when it has some. */
function refused(status: number, body: Buffer): AgentError {
  let said: EnrolmentRefusal | undefined;
  try {
    said = parseShape(EnrolmentRefusal, parseGuarded(body, ENROLMENT_BYTES));
  } catch {
    said = undefined;
  }
  return new AgentError({
    code: 'cloud.enrolment_refused',
    say: `The cloud issues no client certificate: ${said?.say ?? `it answered with status ${status}.`}`,
    fix: said?.fix ?? 'Ask whoever runs the cloud; the recorder tries again by itself.',
    retryable: status >= 500 || status === 429,
    detail: { status, ...(said === undefined ? {} : { reason: said.code }) },
  });
}
