import type { Source } from './source.js';

/** A function with a body in braces; lines count from its header to its closing brace. */
export interface FunctionSpan {
  readonly name: string;
  /** Offset of the header. */
  readonly start: number;
  readonly end: number;
}

const CONTROL = new Set(['if', 'for', 'while', 'switch', 'catch', 'with', 'await']);
/** Words that no type can contain: the search for a body went past the end of a statement. */
const NOT_A_TYPE = /^(?:case|default|break|return|const|let|if|for|throw|import|export|await|else|while)\b/;

/** Closing offset of every opening bracket. */
function matchBrackets(bare: string): Map<number, number> {
  const closing = new Map<number, number>();
  const open: { char: string; at: number }[] = [];
  const partner: Record<string, string> = { ')': '(', ']': '[', '}': '{' };
  for (let at = 0; at < bare.length; at += 1) {
    const char = bare[at] ?? '';
    if (char === '(' || char === '[' || char === '{') open.push({ char, at });
    const wanted = partner[char];
    if (wanted === undefined) continue;
    const top = open.findLastIndex((bracket) => bracket.char === wanted);
    if (top < 0) continue;
    closing.set(open[top]?.at ?? 0, at);
    open.length = top;
  }
  return closing;
}

/** Skips a return type that begins at `from` and gives the offset of the body's brace behind it. */
function afterType(bare: string, from: number, closing: ReadonlyMap<number, number>): number | undefined {
  let angle = 0;
  let isOpenEnded = true;
  for (let at = from; at < bare.length; at += 1) {
    const char = bare[at] ?? '';
    if (/\s/.test(char)) continue;
    if (char === '{' && angle === 0 && !isOpenEnded) return at;
    const close = closing.get(at);
    if (close !== undefined) {
      at = close;
      isOpenEnded = false;
      continue;
    }
    if (bare.startsWith('=>', at)) {
      at += 1;
      isOpenEnded = true;
      continue;
    }
    if (char === '<') angle += 1;
    if (char === '>') angle -= 1;
    if (angle === 0 && /[;,)\]}=]/.test(char)) return undefined;
    const word = /^[\w$]+/.exec(bare.slice(at, at + 40))?.[0];
    if (word !== undefined) {
      if (NOT_A_TYPE.test(word)) return undefined;
      at += word.length - 1;
    }
    isOpenEnded = /[:|&<,?]/.test(char) || ['is', 'extends', 'keyof', 'readonly', 'asserts', 'typeof'].includes(word ?? '');
  }
  return undefined;
}

const skipSpace = (bare: string, from: number): number => from + (/^\s*/.exec(bare.slice(from, from + 2000))?.[0].length ?? 0);

/** Offset of the body's brace for the parameter list that closes at `close`, when it is one. */
function bodyAfter(bare: string, close: number, closing: ReadonlyMap<number, number>): number | undefined {
  let at = skipSpace(bare, close + 1);
  if (bare[at] === ':') {
    // `): T => {` ends its type at the arrow: a function type cannot stand there without brackets.
    const arrow = arrowAfter(bare, at + 1, closing);
    if (arrow !== undefined) return arrow;
    return afterType(bare, at + 1, closing);
  }
  if (bare.startsWith('=>', at)) at = skipSpace(bare, at + 2);
  return bare[at] === '{' ? at : undefined;
}

function arrowAfter(bare: string, from: number, closing: ReadonlyMap<number, number>): number | undefined {
  for (let at = from; at < bare.length; at += 1) {
    if (bare.startsWith('=>', at)) {
      const body = skipSpace(bare, at + 2);
      return bare[body] === '{' ? body : undefined;
    }
    const char = bare[at] ?? '';
    if (char === '{' && /[\w>\])}]\s*$/.test(bare.slice(from, at))) return undefined;
    const close = closing.get(at);
    if (close !== undefined) at = close;
    else if (/[;)\]}=]/.test(char)) return undefined;
  }
  return undefined;
}

/** Name before a parameter list: `foo(`, `foo<T>(`, `#foo(`, `const foo = async (`. */
function nameBefore(bare: string, open: number): { name: string; start: number } {
  const before = bare.slice(Math.max(0, open - 200), open);
  const match =
    /(?:(?:const|let)\s+)?([#\w$]+)\s*(?::[^=;]*)?=\s*(?:async\s*)?(?:<[^()]*>)?\s*$/.exec(before) ??
    /([#\w$]+)\s*(?:<[^()]*>)?\s*$/.exec(before);
  return match === null ? { name: 'arrow', start: open } : { name: match[1] ?? 'arrow', start: open - (before.length - match.index) };
}

const ARROW_WITHOUT_BRACKETS = /(?<![\w$)])([\w$]+)\s*=>\s*\{/g;

/** Every function of a source that has a body in braces. */
export function functionsOf({ bare }: Source): FunctionSpan[] {
  const closing = matchBrackets(bare);
  const out: FunctionSpan[] = [];
  for (const [open, close] of closing) {
    if (bare[open] !== '(') continue;
    const { name, start } = nameBefore(bare, open);
    if (CONTROL.has(name) || /\bextends\s+[\w$.]*\s*$/.test(bare.slice(Math.max(0, open - 80), open))) continue;
    const body = bodyAfter(bare, close, closing);
    const end = body === undefined ? undefined : closing.get(body);
    if (end !== undefined) out.push({ name, start, end });
  }
  for (const match of bare.matchAll(ARROW_WITHOUT_BRACKETS)) {
    const end = closing.get(match.index + match[0].length - 1);
    if (end !== undefined) out.push({ name: match[1] ?? 'arrow', start: match.index, end });
  }
  return out;
}
