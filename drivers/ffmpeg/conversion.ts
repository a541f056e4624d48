import type { ChildProcess } from 'node:child_process';
import { setPriority } from 'node:os';
import { DriverError } from '../port.js';
import { type Encoder, transcodeArguments } from './command.js';
import { type CodedPicture, FlvPictures } from './flv-pictures.js';
import { ended, type FfmpegParts, readStderr, spawnFfmpeg, unavailable } from './runner.js';

/** More than this unread means that the machine cannot keep up: pictures are left out up to the next intra picture. */
const MAX_UNREAD_BYTES = 2 * 1024 * 1024;
/** Those that are passed on as they are go first. */
const NICE = 5;

/** What comes out of one conversion. */
export interface ConversionHandlers {
  /** The picture is valid only during the call. */
  onPicture(picture: CodedPicture): void;
  /** Called once when it ends without `end()`. */
  onEnd(reason: DriverError): void;
}

/** One run of ffmpeg that makes H.264 of H.265 as it comes. The child is ours: pipes only, killed with SIGKILL, always waited for. */
export class Conversion {
  /** Resolves when the child is gone and was waited for. */
  readonly gone: Promise<void>;
  readonly #parts: FfmpegParts;
  readonly #handlers: ConversionHandlers;
  #child: ChildProcess | undefined;
  #isOver = false;
  #isBehind = false;
  /** What came before the child was there. */
  #early: Buffer[] = [];

  constructor(parts: FfmpegParts, encoder: Promise<Encoder>, handlers: ConversionHandlers) {
    this.#parts = parts;
    this.#handlers = handlers;
    this.gone = this.#run(encoder);
  }

  /** Takes one picture, Annex B. */
  write(annexB: Buffer, isIntra: boolean): void {
    if (this.#isOver) return;
    const stdin = this.#child?.stdin;
    if (stdin === undefined || stdin === null) {
      // A decoder needs one intra picture and what follows it.
      if (isIntra) this.#early = [];
      this.#early.push(annexB);
      return;
    }
    this.#isBehind = stdin.writableLength > MAX_UNREAD_BYTES || (this.#isBehind && !isIntra);
    if (!this.#isBehind) stdin.write(annexB);
  }

  /** Kills the child; nothing is handed out any more. Resolves when it is gone. */
  end(): Promise<void> {
    this.#isOver = true;
    this.#child?.kill('SIGKILL');
    return this.gone;
  }

  async #run(encoder: Promise<Encoder>): Promise<void> {
    let reason = new DriverError('ffmpeg.failed', 'ffmpeg ended while a picture was converted.');
    try {
      const argv = await transcodeArguments(await encoder);
      if (this.#isOver) return;
      const child = spawnFfmpeg(this.#parts, argv);
      const complaint = readStderr(child);
      this.#listen(child);
      const code = await ended(child, (error) => {
        reason = unavailable(error);
      });
      if (!this.#isOver) this.#parts.log.warn('a conversion ended', { code, said: complaint() });
    } catch (error) {
      if (error instanceof DriverError) reason = error;
    }
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handlers.onEnd(reason);
  }

  #listen(child: ChildProcess): void {
    this.#child = child;
    try {
      if (child.pid !== undefined) setPriority(child.pid, NICE);
    } catch (error) {
      this.#parts.log.debug('a conversion runs with the priority of the agent', { error });
    }
    const pictures = new FlvPictures((picture) => {
      if (!this.#isOver) this.#handlers.onPicture(picture);
    });
    child.stdout?.on('data', (piece: Buffer) => {
      if (!this.#isOver && !pictures.push(piece)) child.kill('SIGKILL');
    });
    // It may end before it has read everything; its exit tells.
    child.stdin?.on('error', () => undefined);
    for (const picture of this.#early.splice(0)) child.stdin?.write(picture);
  }
}
