/**
 * What a till sends to its printer: text in lines, with ESC/POS sequences between. The sequences are taken out, the rest is told line by line. Card numbers
 * are blanked here, before the agent sees them; who watches the port sees no long number at all (traffic.ts). Pure apart from its own memory. Never throws.
 */
import type { ReceiptLine } from '../port.js';

const ESC = 0x1b;
const FS = 0x1c;
const GS = 0x1d;
const DLE = 0x10;
const LF = 0x0a;
const CR = 0x0d;
const MOST_CHARS = 200;
/** Longest sequence with a told length (a picture) that is passed over; more than that is no sequence but noise. */
const MOST_SKIPPED = 65_536;

/** How many bytes follow the command byte, by command; those not named have one. */
const ESC_TAIL: Readonly<Record<number, number>> = { 64: 0, 50: 0, 105: 0, 109: 0, 12: 0, 92: 2, 36: 2, 66: 2, 112: 3, 99: 2 };
const GS_TAIL: Readonly<Record<number, number>> = { 47: 1, 58: 0, 76: 2, 80: 2, 87: 2, 92: 2, 36: 2 };

/** The upper half of code page 437, which printers wake up with. */
const CP437 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

/** Where the reader stands inside a sequence. */
type State = { readonly at: 'text' } | { readonly at: 'sequence'; readonly lead: number; readonly seen: readonly number[] };

/** Reads a printer's stream. */
export class ReceiptReader {
  #state: State = { at: 'text' };
  #skip = 0;
  /** A bar code or the like: skipped up to its NUL. */
  #skipsToNul = false;
  #line: number[] = [];
  #out: ReceiptLine[] = [];

  /** Lines completed by these bytes. A cut of the paper ends the receipt, with an empty line when nothing else waits. */
  push(bytes: Uint8Array): readonly ReceiptLine[] {
    this.#out = [];
    for (const byte of bytes) this.#take(byte);
    return this.#out;
  }

  #take(byte: number): void {
    if (this.#skipsToNul) this.#skipsToNul = byte !== 0;
    else if (this.#skip > 0) this.#skip -= 1;
    else if (this.#state.at === 'sequence') this.#inSequence(this.#state.lead, [...this.#state.seen, byte]);
    else if (byte === ESC || byte === GS || byte === FS || byte === DLE) this.#state = { at: 'sequence', lead: byte, seen: [] };
    else if (byte === LF || byte === CR) this.#end(false);
    else if (byte >= 0x20 && byte !== 0x7f) this.#write(byte);
    else if (byte === 0x09) this.#write(0x20);
  }

  #inSequence(lead: number, seen: readonly number[]): void {
    const [command = 0, first = 0] = seen;
    const needed = 1 + this.#tail(lead, command, seen);
    if (seen.length < needed) {
      this.#state = { at: 'sequence', lead, seen };
      return;
    }
    this.#state = { at: 'text' };
    if (lead === GS && command === 0x56) this.#end(true);
    else if (lead === ESC && (command === 0x69 || command === 0x6d)) this.#end(true);
    else if (lead === ESC && (command === 0x64 || command === 0x4a)) this.#end(false);
    else if (lead === GS && command === 0x6b) this.#barCode(first, seen[2] ?? 0);
    else this.#skip = Math.min(MOST_SKIPPED, told(lead, seen));
  }

  #tail(lead: number, command: number, seen: readonly number[]): number {
    if (lead === DLE) return command === 0x14 ? 3 : 1;
    if (lead === FS) return command === 0x2e || command === 0x26 ? 0 : command === 0x70 ? 2 : 1;
    if (lead === ESC) return command === 0x2a ? 3 : (ESC_TAIL[command] ?? 1);
    if (command === 0x56) return (seen[1] ?? 0) >= 65 ? 2 : 1;
    if (command === 0x28) return 3;
    if (command === 0x76) return 6;
    if (command === 0x6b) return (seen[1] ?? 0) >= 65 ? 2 : 1;
    return GS_TAIL[command] ?? 1;
  }

  /** Old form ends with NUL, new form says its length. */
  #barCode(kind: number, length: number): void {
    if (kind >= 65) this.#skip = length;
    else this.#skipsToNul = true;
  }

  #write(byte: number): void {
    if (this.#line.length < MOST_CHARS) this.#line.push(byte);
  }

  #end(isLast: boolean): void {
    const text = blankCards(textOf(this.#line).trimEnd());
    this.#line = [];
    if (text !== '' || isLast) this.#out.push({ text, isLast });
  }
}

/** Bytes that follow a sequence whose length it says itself. */
function told(lead: number, seen: readonly number[]): number {
  const [command, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = seen;
  if (lead === GS && command === 0x28) return b + c * 256;
  if (lead === GS && command === 0x76) return (c + d * 256) * (e + f * 256);
  if (lead === ESC && command === 0x2a) return (b + c * 256) * (a >= 32 ? 3 : 1);
  return 0;
}

function textOf(bytes: readonly number[]): string {
  const raw = Buffer.from(bytes);
  const utf8 = raw.toString('utf8');
  if (!utf8.includes('\ufffd')) return utf8.replace(/\p{Cc}/gu, ' ');
  return bytes.map((byte) => (byte < 0x80 ? String.fromCharCode(byte) : (CP437[byte - 0x80] ?? ' '))).join('');
}

/** Digits that may hold a card, with one space or dash between any two of them. */
const RUN = /\d(?:[ -]?\d){12,}/g;
/** How long card numbers are, and how much of one may stay, as receipts have it. */
const CARD_DIGITS = { least: 13, most: 19, told: 4 };

/**
 * Blanks card numbers but for their last four digits. A till prints other numbers right beside them, so every stretch of thirteen to nineteen digits whose
 * check digit is right counts as one, wherever it begins: better a receipt number blanked by chance than a card in clear. None begins with zero.
 */
export function blankCards(text: string): string {
  return text.replace(RUN, (run) => {
    const digits = run.replace(/\D/g, '');
    const secret = secretIn(digits);
    let at = -1;
    return run.replace(/\d/g, (digit) => {
      at += 1;
      return secret.has(at) ? '*' : digit;
    });
  });
}

/** Which digits belong to a card and not to its last four. */
function secretIn(digits: string): ReadonlySet<number> {
  const secret = new Set<number>();
  for (let from = 0; from + CARD_DIGITS.least <= digits.length; from += 1) {
    if (digits[from] === '0') continue;
    for (let to = from + CARD_DIGITS.least; to <= Math.min(digits.length, from + CARD_DIGITS.most); to += 1)
      if (isCard(digits.slice(from, to))) for (let at = from; at < to - CARD_DIGITS.told; at += 1) secret.add(at);
  }
  return secret;
}

/** The check digit of cards (ISO/IEC 7812-1, annex B). */
function isCard(digits: string): boolean {
  let sum = 0;
  for (let at = 0; at < digits.length; at += 1) {
    const digit = Number(digits[digits.length - 1 - at]);
    const doubled = at % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
