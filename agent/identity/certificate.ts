import { createHash } from 'node:crypto';
import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { toPem } from '../contract/der.js';
import { readFileIfThere, writeFileDurably } from '../kernel/atomic-file.js';
import { backoffMs } from '../kernel/backoff.js';
import type { Clock, Timer } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import { type CertificatePair, joinPair, makeWish, pairText, readPair } from './certificate-pair.js';
import type { CertificateIssuer } from './ports.js';
import { DOUBT_AFTER, retryPlan, type Slot, slotToTry, waitForRenewalMs } from './renewal.js';

/** What the service is made of. */
export interface CertificateParts {
  /** Folder of the keys, 0700. */
  readonly folder: string;
  readonly serial: string;
  readonly issuer: CertificateIssuer;
  /** connect+jws of an EnrolmentProof over the request's hash, by the recorder's birth key. */
  readonly prove: (csrHash: string) => Promise<string>;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
}

const FILE: Readonly<Record<Slot, string>> = { current: 'client.pem', next: 'client-next.pem' };
/** There while a renewal was asked for and is not done: it survives a power cut. */
const WISH_FILE = 'client-renewal-wanted';
/** Doubt asks for a new certificate at most this often. */
const DOUBT_PERIOD_MS = 10 * 60_000;

/**
 * The operational identity of this recorder towards its broker: a TLS key made anew for each certificate, asked for with a proof by the birth
 * key, renewed in time. A new pair is on trial, the old one stays until the broker took the new one. Without a certificate nothing waits: the
 * link connects with the proof in its password, as it always did.
 */
export class CertificateService implements Service {
  readonly name = 'certificate';
  readonly #parts: CertificateParts;
  readonly #pairs = new Map<Slot, CertificatePair>();
  readonly #listeners = new Set<() => void>();
  readonly #spread: number;
  #isWanted = false;
  #isStopped = false;
  #attempt = 0;
  #refusals = 0;
  #doubtedAt: number | undefined;
  #timer: Timer | undefined;
  #working: Promise<void> | undefined;
  #saving: Promise<void> = Promise.resolve();
  readonly #end = new AbortController();

  constructor(parts: CertificateParts) {
    this.#parts = parts;
    this.#spread = parts.random();
  }

  /** Reads what there is; enrolment goes on by itself. A pair that cannot be used is not a reason to fail. */
  async start(): Promise<void> {
    const { folder, log } = this.#parts;
    await fs.mkdir(folder, { recursive: true, mode: 0o700 });
    for (const slot of ['next', 'current'] as const) {
      try {
        const text = await readFileIfThere(join(folder, FILE[slot]));
        if (text !== undefined) this.#pairs.set(slot, readPair(text.toString('latin1'), this.#parts.serial));
      } catch (error) {
        log.warn('a client certificate cannot be used', { file: FILE[slot], error });
      }
    }
    this.#isWanted = (await readFileIfThere(join(folder, WISH_FILE))) !== undefined;
    this.#look();
  }

  /** Gives up an enrolment on its way and waits for a file that is being written. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#end.abort();
    await this.#working;
    await this.#saving;
  }

  /** Called when there is a new certificate; returns the way to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What the next connection should use; undefined: no certificate. */
  current(): CertificatePair | undefined {
    const slot = slotToTry([...this.#slots()], this.#refusals);
    return slot === undefined ? undefined : this.#pairs.get(slot);
  }

  /** The broker took the connection: a new pair has proved itself and replaces the old one. */
  accepted(used: { readonly certificate: string } | undefined): void {
    this.#refusals = 0;
    const next = this.#pairs.get('next');
    if (next === undefined || used?.certificate !== next.certificate) return;
    this.#pairs.delete('next');
    this.#pairs.set('current', next);
    const { log } = this.#parts;
    this.#save(() => this.#promote(next)).catch((error: unknown) =>
      log.warn('the old client certificate could not be replaced', { error }),
    );
  }

  /** The broker is there and does not want what was used: another one is tried next, and in the end a new one is asked for. */
  refused(): void {
    this.#refusals += 1;
    const now = this.#parts.clock.monotonicMs();
    const isRecent = this.#doubtedAt !== undefined && now - this.#doubtedAt < DOUBT_PERIOD_MS;
    if (this.#pairs.size === 0 || this.#refusals % DOUBT_AFTER !== 0 || isRecent) return;
    this.#doubtedAt = now;
    this.#parts.log.warn('the broker takes none of the client certificates: asking for a new one');
    this.#isWanted = true;
    this.#look();
  }

  /** A new key and certificate at once, e.g. after a hand-over. Durable when it resolves; the certificate itself comes when the issuer answers. */
  async renewNow(): Promise<void> {
    await writeFileDurably(join(this.#parts.folder, WISH_FILE), '');
    this.#isWanted = true;
    this.#attempt = 0;
    this.#look();
  }

  /** The newest certificate's end, ms since 1970; undefined without one. For the overview. */
  get notAfter(): number | undefined {
    return this.#newest()?.notAfter;
  }

  *#slots(): Iterable<Slot> {
    for (const slot of ['next', 'current'] as const) if (this.#pairs.has(slot)) yield slot;
  }

  #newest(): CertificatePair | undefined {
    return this.#pairs.get('next') ?? this.#pairs.get('current');
  }

  #look(): void {
    if (this.#isStopped || this.#working !== undefined) return;
    this.#timer?.cancel();
    const { clock, random } = this.#parts;
    const waitMs = waitForRenewalMs({ now: clock.now(), spread: this.#spread, newest: this.#newest(), isWanted: this.#isWanted });
    if (waitMs > 0) {
      this.#arm(waitMs);
      return;
    }
    this.#working = this.#enrol().then(
      () => {
        this.#attempt = 0;
        this.#working = undefined;
        this.#look();
      },
      (error: unknown) => {
        this.#working = undefined;
        if (this.#isStopped) return;
        this.#arm(backoffMs(retryPlan(this.#newest(), clock.now()), this.#attempt, random));
        this.#attempt += 1;
        this.#parts.log.warn('no client certificate was issued: trying again later', { attempt: this.#attempt, error });
      },
    );
  }

  #arm(waitMs: number): void {
    if (this.#isStopped) return;
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.after(waitMs, () => this.#look(), true);
  }

  async #enrol(): Promise<void> {
    const { folder, serial, issuer, prove, clock, log } = this.#parts;
    const wish = await makeWish(serial);
    const proof = await prove(createHash('sha256').update(wish.csr).digest('base64url'));
    const chain = await issuer.enrol({ v: 1, csr: toPem('CERTIFICATE REQUEST', wish.csr), proof }, this.#end.signal);
    const pair = joinPair(wish.key, chain, serial, clock.now());
    if (this.#isStopped) return;
    await this.#save(async () => {
      await writeFileDurably(join(folder, FILE.next), pairText(pair));
      this.#pairs.set('next', pair);
    });
    this.#refusals = 0;
    this.#isWanted = false;
    await fs.rm(join(folder, WISH_FILE), { force: true });
    log.info('a client certificate was issued', { until: new Date(pair.notAfter).toISOString() });
    for (const listener of [...this.#listeners]) listener();
  }

  /** Over the old one, in one step. Undone by a power cut, the new pair is tried again and proves itself again. */
  async #promote(pair: CertificatePair): Promise<void> {
    const { folder } = this.#parts;
    await writeFileDurably(join(folder, FILE.current), pairText(pair));
    // A newer one may have been issued meanwhile.
    if (!this.#pairs.has('next')) await fs.rm(join(folder, FILE.next), { force: true });
  }

  /** One after the other: what is in memory and what is on the disk change together. */
  #save(act: () => Promise<void>): Promise<void> {
    const saved = this.#saving.then(act);
    this.#saving = saved.catch(() => undefined);
    return saved;
  }
}
