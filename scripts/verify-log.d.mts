/** What verify-log.mjs finds out about an export; see there. */
export interface VerifyLogReport {
  readonly isOk: boolean;
  /** The first thing that is wrong: its kind, the row, a sentence for a person. */
  readonly problem: { readonly kind: string; readonly seq: number; readonly say: string } | null;
  readonly device: string | null;
  /** Of the key in the export (RFC 7638): to be compared with the one that the owner's app knows. */
  readonly thumbprint: string;
  readonly rows: number;
  readonly size: number;
  readonly head: string;
  readonly root: string;
  readonly checkpoints: number;
  /** Rows behind it are held by the chain alone. */
  readonly signedSize: number;
  /** Rows that were taken out by the owner's rule. */
  readonly beginsAt: number;
  readonly erasedDetails: number;
  readonly people: number;
  readonly witness: 'met' | 'not reached' | null;
}

/** Verifies the lines of an export; `witness`: a checkpoint+jws from outside. Never rejects for what the lines hold. */
export function verifyLog(lines: Iterable<string> | AsyncIterable<string>, witness?: string): Promise<VerifyLogReport>;

/** The lines of a text that comes in pieces; a line ends with LF alone. */
export function linesIn(pieces: AsyncIterable<string>): AsyncGenerator<string>;

/** SHA-256 of the parts one after another. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array;
