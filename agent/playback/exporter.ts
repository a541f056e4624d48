import { DriverError, type FootagePicture, type FootageReader } from '../../drivers/port.js';
import type { Log } from '../kernel/log.js';
import { outsideFootage } from './admission.js';
import { Fmp4Writer } from './fmp4.js';
import type { ExportFacts, PlaybackParts, PlaybackTicket, RecordingSource } from './ports.js';
import { playbackError } from './reasons.js';
import type { PlaybackWork, WayOut } from './session.js';
import { LEAST_GAP_MS, type Stretch } from './stretches.js';

/** Every WebRTC implementation takes messages of this size. */
const PIECE_BYTES = 16 * 1024;
/** The statement has room for so many gaps; the longest are told. */
const MOST_GAPS = 500;
const CUT_SHORT = {
  code: 'playback.cut_short',
  say: 'The clip ends earlier than asked for: what is recorded after it could not be read.',
  fix: 'The file says how far it goes. Export the rest again, or choose another time.',
};

/** What an export needs. */
export interface ExporterParts {
  readonly log: Log;
  readonly source: RecordingSource;
  readonly ticket: PlaybackTicket;
  readonly clip: Stretch;
  readonly out: WayOut;
  readonly newHash: PlaybackParts['newHash'];
  readonly signExport: (facts: ExportFacts, ticket: PlaybackTicket) => Promise<string>;
}

/** Hands one clip out as a file, from the source straight to the viewer: never a byte of it on the recorder's disk. */
export class Exporter implements PlaybackWork {
  readonly #parts: ExporterParts;
  readonly #abort = new AbortController();
  readonly #writer = new Fmp4Writer();
  readonly #hash: ReturnType<PlaybackParts['newHash']>;
  #reader: FootageReader | undefined;
  #first: FootagePicture | undefined;
  /** Of the pictures that are in the file. */
  #shown: { fromMs: number; toMs: number } | undefined;
  readonly #gaps: Stretch[] = [];
  /** The step between the two pictures before. */
  #stepMs = 0;
  #bytes = 0;
  #hasBegun = false;
  #isStopped = false;

  constructor(parts: ExporterParts) {
    this.#parts = parts;
    this.#hash = parts.newHash();
  }

  get shown(): Stretch | undefined {
    return this.#shown;
  }

  async prepare(): Promise<FootagePicture> {
    const { clip, source } = this.#parts;
    const wish = { startMs: clip.fromMs, fromMs: this.#from(), toMs: clip.toMs, isReverse: false, isIntraOnly: false };
    this.#reader = await source.open(wish, this.#abort.signal);
    this.#first = await this.#reader.next();
    if (this.#first !== undefined && !this.#isStopped) return this.#first;
    throw new DriverError('footage.none', 'nothing is recorded there');
  }

  begin(): void {
    // Nothing leaves before the viewer can take the file whole.
  }

  ready(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#run().catch((thrown: unknown) => {
      if (this.#isStopped) return;
      const { code, say, fix } = playbackError(thrown);
      this.#parts.log.info('an export ended early', { error: thrown });
      this.#parts.out.tell({ t: 'trouble', code, say, fix });
      this.#parts.out.finish('unreadable', { code, say, fix });
    });
  }

  repair(): void {
    // There is no picture that could be lost.
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#abort.abort();
    await this.#reader?.close();
  }

  /** A clip begins at an intra picture: the one before its start belongs to it, if the permission goes so far. */
  #from(): number {
    const verdict = this.#parts.out.verdict();
    return (verdict.ok ? verdict.footage?.from : undefined) ?? 0;
  }

  async #run(): Promise<void> {
    const { out } = this.#parts;
    for (let picture = this.#first; picture !== undefined && !this.#isStopped; picture = await this.#reader?.next()) {
      const verdict = out.verdict();
      if (!verdict.ok || outsideFootage(verdict, picture.atMs) !== undefined) break;
      for (const bytes of this.#writer.add(picture)) await this.#send(bytes);
      if (this.#writer.hasBegun) this.#note(picture.atMs);
    }
    if (this.#isStopped) return;
    for (const bytes of this.#writer.end()) await this.#send(bytes);
    const shown = this.#shown;
    if (shown === undefined) throw new DriverError('footage.broken', 'No picture there can be decoded.');
    const isWhole = await this.#reachesEnd(shown.toMs);
    await this.#sign(shown);
    if (isWhole) out.handOver('finished');
    else out.handOver('unreadable', CUT_SHORT);
  }

  /** What the file holds is told by its pictures, not by lists of files: a file that is listed may be damaged, and a camera may stall. */
  #note(atMs: number): void {
    const shown = this.#shown ?? { fromMs: atMs, toMs: atMs };
    const stepMs = atMs - shown.toMs;
    // The picture before a gap was there as long as those before it.
    if (stepMs >= LEAST_GAP_MS) this.#gaps.push({ fromMs: shown.toMs + this.#stepMs, toMs: atMs });
    else if (stepMs > 0) this.#stepMs = stepMs;
    this.#shown = { fromMs: Math.min(shown.fromMs, atMs), toMs: Math.max(shown.toMs, atMs) };
  }

  /** Whether nothing that is recorded up to the clip's end is missing behind the last picture. */
  async #reachesEnd(lastMs: number): Promise<boolean> {
    const { clip, source } = this.#parts;
    if (clip.toMs - lastMs < LEAST_GAP_MS) return true;
    const { spans } = await source.spans({ fromMs: lastMs, toMs: clip.toMs }, this.#abort.signal);
    return spans.every(({ fromMs, toMs }) => Math.min(toMs, clip.toMs) - Math.max(fromMs, lastMs) < LEAST_GAP_MS);
  }

  async #send(bytes: Uint8Array): Promise<void> {
    const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at < whole.length; at += PIECE_BYTES) {
      const piece = whole.subarray(at, at + PIECE_BYTES);
      await this.#parts.out.piece(piece);
      this.#hash.update(piece);
      this.#bytes += piece.length;
    }
  }

  async #sign(shown: Stretch): Promise<void> {
    const { ticket, out } = this.#parts;
    const [from, to] = [Math.round(shown.fromMs), Math.round(shown.toMs)];
    const longest = [...this.#gaps].sort((one, other) => other.toMs - other.fromMs - (one.toMs - one.fromMs)).slice(0, MOST_GAPS);
    const gaps = longest
      .sort((one, other) => one.fromMs - other.fromMs)
      .map((gap) => [Math.round(gap.fromMs), Math.round(gap.toMs)] as const);
    const [bytes, sha256] = [this.#bytes, this.#hash.hex()];
    const statement = await this.#parts.signExport({ cam: ticket.channelId, from, to, bytes, sha256, gaps }, ticket);
    const name = `${ticket.channelId}-${new Date(from).toISOString().slice(0, 19).replaceAll(':', '-')}Z.mp4`;
    out.tell({ t: 'file', name, bytes, sha256, statement });
  }
}
