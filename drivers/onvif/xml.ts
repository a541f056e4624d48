import { DriverError } from '../port.js';

/** A camera's answer is hostile until proven otherwise: these limits keep the parse below 100 ms on a small recorder. */
export const MAX_ANSWER_BYTES = 256 * 1024;
const MAX_DEPTH = 64;
const MAX_ELEMENTS = 20_000;
const MAX_ATTRIBUTES_PER_ELEMENT = 64;

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

/** Text or attribute value for XML 1.0; characters that XML cannot carry at all are dropped. */
export function escapeXml(text: string): string {
  let out = '';
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if ((code < 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d) || code === 0xfffe || code === 0xffff) continue;
    out += ESCAPES[char] ?? char;
  }
  return out;
}

const tooMuch = (what: string, detail: Readonly<Record<string, unknown>>): DriverError =>
  new DriverError('camera.bad_answer', `the answer has ${what}`, { detail });

/** End of the tag that starts at `from` (index of `>`), quotes respected, and its number of attributes; -1 when it never ends. */
function scanTag(text: string, from: number): { end: number; attributes: number } {
  let quote = '';
  let attributes = 0;
  for (let at = from; at < text.length; at += 1) {
    const char = text[at];
    if (quote !== '') {
      if (char === quote) quote = '';
    } else if (char === '"' || char === "'") {
      quote = char;
      attributes += 1;
    } else if (char === '>') return { end: at, attributes };
  }
  return { end: -1, attributes };
}

/** Index behind a comment, CDATA section, processing instruction or declaration starting at `at`; undefined when it is a tag. */
function skipSpecial(text: string, at: number): number | undefined {
  const ends: readonly (readonly [string, string])[] = [
    ['<!--', '-->'],
    ['<![CDATA[', ']]>'],
    ['<?', '?>'],
  ];
  for (const [start, end] of ends) {
    if (!text.startsWith(start, at)) continue;
    const found = text.indexOf(end, at + start.length);
    return found < 0 ? text.length : found + end.length;
  }
  // The doctype is where entity bombs and external entities live; no ONVIF message has one.
  if (text.startsWith('<!', at)) throw tooMuch('a document type declaration', {});
  return undefined;
}

/**
 * One pass over the text before any parser sees it: no DOCTYPE, depth, element and attribute counts bounded.
 * Throws DriverError `camera.bad_answer`. Whether the XML is well-formed is the parser's business.
 */
export function guardXml(text: string): void {
  let depth = 0;
  let elements = 0;
  let at = text.indexOf('<');
  while (at >= 0) {
    const behind = skipSpecial(text, at);
    if (behind === undefined) {
      const { end, attributes } = scanTag(text, at + 1);
      if (end < 0) return;
      if (text[at + 1] === '/') depth -= 1;
      else {
        elements += 1;
        if (text[end - 1] !== '/') depth += 1;
      }
      if (depth > MAX_DEPTH) throw tooMuch('too many nested elements', { limit: MAX_DEPTH });
      if (elements > MAX_ELEMENTS) throw tooMuch('too many elements', { limit: MAX_ELEMENTS });
      if (attributes > MAX_ATTRIBUTES_PER_ELEMENT) throw tooMuch('too many attributes', { limit: MAX_ATTRIBUTES_PER_ELEMENT });
      at = text.indexOf('<', end);
    } else at = text.indexOf('<', behind);
  }
}
