import { type Signer, signStatement } from '../contract/jws.js';
import { seal } from '../contract/seal.js';
import { sha256Text } from '../contract/text.js';
import { type TopicScope, topics } from '../contract/topics.js';
import type { GrantState, SiteLetter } from '../contract/views.js';
import type { Clock, Timer } from '../kernel/clock.js';
import { type Log, RateLimitedLog } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import type { CloudLink } from './link.js';

/** Durable memory of what lies at the relay: ids of grants whose topic holds a letter, or may hold one. */
export interface LetterMemory {
  load(): Promise<readonly string[]>;
  /** Resolves when it survives a power cut. Must also outlive a reset of the recorder. */
  save(grantIds: readonly string[]): Promise<void>;
}

/** A grant as far as letters go. */
export type LetterGrant = Pick<GrantState, 'id' | 'org' | 'scopes' | 'cams'>;

/** What site letters are made of. Every listener is called after a change and gives back the way to stop. */
export interface SiteLetterParts {
  readonly scope: TopicScope;
  readonly signer: Signer;
  readonly link: () => CloudLink;
  /**
   * The grants that count at this moment: in force, their hours open. None without an owner's consent, and none while the operator is not the one
   * that the owner agreed to.
   */
  readonly grants: () => readonly LetterGrant[];
  /** What there is to tell of the site now; cameras of all channels. */
  readonly facts: () => Pick<SiteLetter, 'recorderName' | 'site' | 'model' | 'firmware' | 'cameras'>;
  readonly onPermissionsChange: (listener: () => void) => () => void;
  /** Cameras, names, versions. */
  readonly onFactsChange: (listener: () => void) => () => void;
  readonly memory: LetterMemory;
  readonly clock: Clock;
  readonly log: Log;
}

/** Cameras change in bursts (a discovery, a start): one letter tells of all. */
const GATHER_MS = 2_000;
/** Hours open and close without a word. */
const LOOK_MS = 60_000;
/** A relay may lose what it keeps; a letter that did not change is left there anew once a day. */
const RENEW_MS = 24 * 3_600_000;

/**
 * Leaves at the relay what an organisation with the `site-information` scope may know of the site: sealed to its key, for the cameras of its grant,
 * and for as long as the grant counts. When it ends the letter is taken away, if need be at the next connection or after the next start.
 */
export class SiteLetters implements Service {
  readonly name = 'site-letters';
  readonly #parts: SiteLetterParts;
  readonly #log: RateLimitedLog;
  readonly #ends: (() => void)[] = [];
  /** Hash of what was sent in this run, and when. */
  readonly #sent = new Map<string, { readonly hash: string; readonly sentMs: number }>();
  /** What lies at the relay or may lie there; never less than that. */
  #left: ReadonlySet<string> = new Set();
  #timer: Timer | undefined;
  #isRunning = false;
  #isAskedAgain = false;
  #isStopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: SiteLetterParts) {
    this.#parts = parts;
    this.#log = new RateLimitedLog(parts.log, parts.clock);
  }

  async start(): Promise<void> {
    const { memory, link, clock } = this.#parts;
    this.#left = new Set(await memory.load().catch((error: unknown) => this.#unread(error)));
    this.#ends.push(link().onOnline((isOnline) => isOnline && this.#run()));
    this.#ends.push(this.#parts.onPermissionsChange(() => this.#run()));
    this.#ends.push(this.#parts.onFactsChange(() => this.#runSoon()));
    const timer = clock.every(LOOK_MS, () => this.#run());
    this.#ends.push(() => timer.cancel());
    this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const end of this.#ends.splice(0)) end();
    this.#timer?.cancel();
    await this.settled();
  }

  /** Resolves when what was asked for so far is at the relay, or could not be brought there. */
  settled(): Promise<void> {
    return this.#running;
  }

  #runSoon(): void {
    this.#timer ??= this.#parts.clock.after(
      GATHER_MS,
      () => {
        this.#timer = undefined;
        this.#run();
      },
      true,
    );
  }

  /** One after another: a letter that is on its way is taken away behind it, never before it. */
  #run(): void {
    if (this.#isStopped) return;
    this.#isAskedAgain = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#running = this.#carry();
  }

  async #carry(): Promise<void> {
    while (this.#isAskedAgain && !this.#isStopped && this.#parts.link().isOnline) {
      this.#isAskedAgain = false;
      await this.#tried(() => this.#bringUpToDate());
    }
    // In the tick of the last look: whoever asks after it is not overheard.
    this.#isRunning = false;
  }

  async #bringUpToDate(): Promise<void> {
    for (const id of this.#over()) await this.#tried(() => this.#clear(id));
    for (const grant of this.#due()) await this.#tried(() => this.#send(grant));
  }

  /** One by one: a letter that cannot be made (an organisation's key may be no key at all) must not keep the others from being taken away. */
  async #tried(act: () => Promise<void>): Promise<void> {
    await act().catch((error: unknown) =>
      // Tried again with the next change, minute or connection.
      this.#log.warn('site-letters', 'site information could not be brought up to date at the relay', { error }),
    );
  }

  #unread(error: unknown): readonly string[] {
    this.#parts.log.error('which site letters lie at the relay could not be read', { error });
    return [];
  }

  #due(): readonly LetterGrant[] {
    return this.#parts.grants().filter(({ scopes, org }) => scopes.includes('site-information') && org.seal !== undefined);
  }

  /** What may lie at the relay under a grant that does not count any more. */
  #over(): readonly string[] {
    const due = new Set(this.#due().map(({ id }) => id));
    return [...this.#left].filter((id) => !due.has(id));
  }

  async #clear(id: string): Promise<void> {
    const { scope, link } = this.#parts;
    this.#sent.delete(id);
    await link().publish(topics.site(scope, id), '', { retain: true });
    await this.#remember([...this.#left].filter((known) => known !== id));
  }

  async #send(grant: LetterGrant): Promise<void> {
    const { scope, signer, link, clock } = this.#parts;
    const { id, org } = grant;
    if (org.seal === undefined) return;
    const content = this.#contentFor(grant);
    const hash = await sha256Text(JSON.stringify([content, org.seal]));
    const sent = this.#sent.get(id);
    if (sent?.hash === hash && clock.monotonicMs() - sent.sentMs < RENEW_MS) return;
    const letter: SiteLetter = { v: 1, dev: scope.serial, grant: id, at: clock.now(), ...content };
    const sealed = await seal(await signStatement('site+jws', letter, signer), org.seal);
    // Remembered before it leaves: a power cut in between must not leave a letter there that nobody takes away.
    if (!this.#left.has(id)) await this.#remember([...this.#left, id]);
    // All of that took time: what was withdrawn meanwhile is not told.
    if (!this.#due().some((due) => due.id === id)) return;
    await link().publish(topics.site(scope, id), sealed, { retain: true });
    this.#sent.set(id, { hash, sentMs: clock.monotonicMs() });
  }

  #contentFor({ cams }: LetterGrant): ReturnType<SiteLetterParts['facts']> {
    const { recorderName, site, model, firmware, cameras } = this.#parts.facts();
    const visible = cameras.filter((camera) => cams === null || cams.includes(camera.id));
    return {
      recorderName,
      site,
      model,
      firmware,
      cameras: visible.map(({ id, name, serial, model: of }) => ({ id, name, serial, model: of })),
    };
  }

  async #remember(ids: readonly string[]): Promise<void> {
    await this.#parts.memory.save(ids);
    this.#left = new Set(ids);
  }
}
