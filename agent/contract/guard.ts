import { AgentError } from '../kernel/errors.js';
import { fromUtf8, utf8 } from './text.js';

/** Largest message that is looked at (64 KiB), and the deepest nesting. Measured: JSON.parse takes depth 100 000, JSON.stringify then overflows at 10 000. */
export const MAX_MESSAGE_BYTES = 65_536;
/** Levels of objects and lists in a message; more than any shape of the contract has. */
export const MAX_DEPTH = 32;

function refuse(code: string, say: string): AgentError {
  return new AgentError({ code, say, fix: 'Send it as the contract of this version describes it.' });
}

/**
 * The value of a JSON message that came from outside. Refused before parsing: more than `maxBytes`, bytes that are not UTF-8,
 * nesting deeper than 32, an object that names a key twice (parsers disagree which one counts) and the key `__proto__`.
 * @throws AgentError message.too_large | message.malformed | message.too_deep | message.duplicate_key
 */
export function parseGuarded(input: Uint8Array | string, maxBytes = MAX_MESSAGE_BYTES): unknown {
  if (sizeOf(input, maxBytes) > maxBytes) throw refuse('message.too_large', `The message is larger than ${maxBytes} bytes.`);
  let text: string;
  try {
    text = typeof input === 'string' ? input : fromUtf8(input);
  } catch {
    throw refuse('message.malformed', 'The message is not UTF-8.');
  }
  scan(text);
  try {
    return JSON.parse(text);
  } catch {
    throw refuse('message.malformed', 'The message is not JSON.');
  }
}

/** Bytes of the input; a text is only encoded when its length leaves the question open. */
function sizeOf(input: Uint8Array | string, maxBytes: number): number {
  return typeof input === 'string' && input.length <= maxBytes ? utf8(input).length : input.length;
}

/** One pass over the text: depth and keys. Whether it is JSON at all is left to the parser. */
function scan(text: string): void {
  const open: (Set<string> | undefined)[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at];
    if (char === '"') {
      const end = endOfString(text, at);
      const keys = open[open.length - 1];
      if (keys !== undefined && isKey(text, end)) noteKey(keys, text.slice(at, end));
      at = end;
      continue;
    }
    if (char === '{' || char === '[') {
      open.push(char === '{' ? new Set() : undefined);
      if (open.length > MAX_DEPTH) throw refuse('message.too_deep', `The message is nested deeper than ${MAX_DEPTH} levels.`);
    } else if (char === '}' || char === ']') open.pop();
    at += 1;
  }
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function isKey(text: string, end: number): boolean {
  let at = end;
  while (at < text.length && ' \t\r\n'.includes(text[at] ?? '')) at += 1;
  return text[at] === ':';
}

function noteKey(keys: Set<string>, quoted: string): void {
  let key: string;
  try {
    key = JSON.parse(quoted) as string;
  } catch {
    throw refuse('message.malformed', 'The message is not JSON.');
  }
  if (key === '__proto__') throw refuse('message.malformed', 'The message uses a reserved key.');
  if (keys.has(key)) throw refuse('message.duplicate_key', `The message names the field "${key.slice(0, 40)}" twice.`);
  keys.add(key);
}
