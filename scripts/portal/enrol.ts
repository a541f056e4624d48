import { createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fromPem, issueClientCertificate, readCsr, toPem } from '../../agent/contract/der.js';
import { ENROLMENT_BYTES, EnrolmentProof, EnrolmentRequest } from '../../agent/contract/enrolment.js';
import { parseGuarded } from '../../agent/contract/guard.js';
import { claimedKid, unverifiedPayload, verifyStatement } from '../../agent/contract/jws.js';
import { parseShape } from '../../agent/contract/shapes.js';
import { AgentError } from '../../agent/kernel/errors.js';

/** Which key belongs to which serial; the broker's DeviceRegister fits. */
export interface KnownDevices {
  /** Pins the key to the serial when the serial is new. @throws AgentError broker.other_key */
  pin(serial: string, kid: string): Promise<void>;
}

/** What an issuer is made of. */
export interface EnrollerParts {
  /** Key of the authority, P-256, PEM (PKCS#8 or SEC1). */
  readonly caKey: string;
  /** Certificate of the authority, PEM. */
  readonly caCert: string;
  readonly knownDevices: KnownDevices;
  /** Told of each refusal and failure, for a log line. */
  readonly onTrouble?: (error: unknown) => void;
  /** ms since 1970; default the machine's clock. */
  readonly now?: () => number;
}

/** Answers one request of a web server. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

interface Issued {
  readonly serial: string;
  readonly chain: string;
}

/**
 * Issues client certificates to recorders (contract: enrolment.ts): whoever proves the birth key of a serial gets a certificate for that serial
 * and the TLS key of the request, for 90 days. The first key of a serial is pinned, as at the relay.
 */
export function createEnroller(parts: EnrollerParts): RequestHandler {
  const issuer = new Issuer(parts);
  return (request, response) => {
    void answer(issuer, request, response).catch((error: unknown) => {
      parts.onTrouble?.(error);
      sendRefusal(response, error);
    });
  };
}

class Issuer {
  readonly #parts: EnrollerParts;
  readonly #key: KeyObject;
  readonly #authority: Uint8Array<ArrayBuffer>;
  /** Highest number per serial. Lost with the process, which is harmless: a proof is for one request, and that one is for one TLS key. */
  readonly #numbers = new Map<string, number>();

  constructor(parts: EnrollerParts) {
    this.#parts = parts;
    this.#key = createPrivateKey(parts.caKey);
    this.#authority = fromPem('CERTIFICATE', parts.caCert);
  }

  /** @throws AgentError enrolment.* | certificate.* | signature.* | message.* | broker.other_key */
  async issue(body: Uint8Array): Promise<Issued> {
    const request = parseShape(EnrolmentRequest, parseGuarded(body, ENROLMENT_BYTES));
    const der = fromPem('CERTIFICATE REQUEST', request.csr);
    const { key } = parseShape(EnrolmentProof, unverifiedPayload(request.proof));
    const proof = await verifyStatement(request.proof, 'connect+jws', key, EnrolmentProof);
    if (proof.csr !== createHash('sha256').update(der).digest('base64url')) {
      throw refuse('enrolment.other_request', 'The proof is for another certificate request.', 'Sign a proof for this request.');
    }
    const csr = await readCsr(der);
    if (csr.commonName !== proof.dev) {
      throw refuse('enrolment.other_serial', 'The request is for another serial than the proof.', 'Ask for your own serial.');
    }
    await this.#parts.knownDevices.pin(proof.dev, claimedKid(request.proof, 'connect+jws'));
    // Only the pinned key comes so far, and up to the note there is no await: two requests cannot both win with the same number.
    if (proof.n <= (this.#numbers.get(proof.dev) ?? 0)) {
      throw refuse('enrolment.replayed', 'This proof was used before.', 'Ask with a higher number.');
    }
    this.#numbers.set(proof.dev, proof.n);
    const certificate = await issueClientCertificate({
      csr,
      authority: this.#authority,
      sign: async (bytes) => sign('sha256', bytes, { key: this.#key, dsaEncoding: 'ieee-p1363' }),
      at: this.#parts.now?.() ?? Date.now(),
    });
    return { serial: proof.dev, chain: toPem('CERTIFICATE', certificate) + toPem('CERTIFICATE', this.#authority) };
  }
}

async function answer(issuer: Issuer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST') {
    response.writeHead(405, { allow: 'POST' }).end();
    return;
  }
  const { chain } = await issuer.issue(await readBody(request));
  response.writeHead(200, { 'content-type': 'application/pem-certificate-chain', 'cache-control': 'no-store' }).end(chain);
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > ENROLMENT_BYTES) {
      throw refuse('enrolment.too_large', `A request has at most ${ENROLMENT_BYTES} bytes.`, 'Send a request for a P-256 key.');
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** A refusal has a code and sentences; anything else is our own fault and stays inside. */
function sendRefusal(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const isRefusal = error instanceof AgentError;
  const said = isRefusal
    ? { code: error.code, say: error.say, fix: error.fix }
    : { code: 'enrolment.failed', say: 'The certificate could not be issued.', fix: 'Try again later.' };
  const text = JSON.stringify(said);
  // What was not read is not waited for.
  response.writeHead(isRefusal ? 403 : 500, { 'content-type': 'application/json', connection: 'close' }).end(text);
}

function refuse(code: string, say: string, fix: string): AgentError {
  return new AgentError({ code, say, fix });
}
