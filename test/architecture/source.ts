import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** One source file as the rules see it. All three texts have the same length and line breaks, so an offset means the same in each. */
export interface Source {
  /** Path from the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** Comments blanked, strings kept. */
  readonly code: string;
  /** Comments, strings, templates and regular expressions blanked. */
  readonly bare: string;
}

/** A rule broken at a place. */
export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly say: string;
}

/** A rule looks at all sources at once, because some can only be judged together. */
export type Rule = (sources: readonly Source[]) => Violation[];

/** Line number (from 1) of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

/** Every match of `pattern` in one of the texts of a source, as violations. */
export function violationsOf(source: Source, text: string, pattern: RegExp, say: (match: RegExpMatchArray) => string): Violation[] {
  return [...text.matchAll(pattern)].map((match) => ({ path: source.path, line: lineAt(text, match.index ?? 0), say: say(match) }));
}

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');

/** Where a slash begins a regular expression and not a division: after these, and after a few words. */
const BEFORE_REGEX = /(?:^|[=(,:[!&|?{;+\-*%~^>]|\b(?:return|typeof|case|of|in|delete|void|throw|await|yield|else))\s*$/;

interface Piece {
  readonly kind: 'code' | 'comment' | 'literal';
  readonly end: number;
}

function endOfQuoted(text: string, start: number): number | undefined {
  const quote = text[start];
  for (let at = start + 1; at < text.length && text[at] !== '\n'; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === quote) return at + 1;
  }
  return undefined;
}

function endOfRegex(text: string, start: number): number | undefined {
  let isInClass = false;
  for (let at = start + 1; at < text.length && text[at] !== '\n'; at += 1) {
    const char = text[at];
    if (char === '\\') at += 1;
    else if (char === '[') isInClass = true;
    else if (char === ']') isInClass = false;
    else if (char === '/' && !isInClass) return at + 1 + (/^[a-z]*/.exec(text.slice(at + 1, at + 10))?.[0].length ?? 0);
  }
  return undefined;
}

function endOfComment(text: string, start: number, close: string): number {
  const at = text.indexOf(close, start + 2);
  if (at < 0) return text.length;
  return close === '\n' ? at : at + close.length;
}

/** What starts at `start`, which is a quote, a slash, or anything else (code of one character). */
function pieceAt(text: string, start: number): Piece {
  const two = text.slice(start, start + 2);
  if (two === '//') return { kind: 'comment', end: endOfComment(text, start, '\n') };
  if (two === '/*') return { kind: 'comment', end: endOfComment(text, start, '*/') };
  const char = text[start];
  // An apostrophe in the text between tags has no partner on its line, so it stays code.
  const end = char === "'" || char === '"' ? endOfQuoted(text, start) : undefined;
  if (end !== undefined) return { kind: 'literal', end };
  if (char === '/' && BEFORE_REGEX.test(text.slice(Math.max(0, start - 12), start))) {
    const regexEnd = endOfRegex(text, start);
    if (regexEnd !== undefined) return { kind: 'literal', end: regexEnd };
  }
  return { kind: 'code', end: start + 1 };
}

/** Both blanked versions of a text. Templates are walked with a stack: what stands in `${}` is code again. */
function blankLiterals(text: string): { code: string; bare: string } {
  let code = '';
  let bare = '';
  // Depth of braces inside each open `${`; a template is open above it.
  const holes: number[] = [];
  let at = 0;
  const template = (): void => {
    const start = at;
    while (at < text.length && text[at] !== '`') {
      if (text[at] === '\\') at += 2;
      else if (text.startsWith('${', at)) break;
      else at += 1;
    }
    const isHole = text.startsWith('${', at);
    at = Math.min(text.length, at + (isHole ? 2 : 1));
    if (isHole) holes.push(0);
    const body = text.slice(start, at);
    code += body;
    bare += blank(body);
  };
  while (at < text.length) {
    const char = text[at];
    const depth = holes.at(-1);
    if (char === '`') {
      code += char;
      bare += char;
      at += 1;
      template();
      continue;
    }
    if (depth !== undefined && char === '}' && depth === 0) {
      holes.pop();
      code += char;
      bare += ' ';
      at += 1;
      template();
      continue;
    }
    if (depth !== undefined && (char === '{' || char === '}')) holes[holes.length - 1] = depth + (char === '{' ? 1 : -1);
    const piece = pieceAt(text, at);
    const body = text.slice(at, piece.end);
    code += piece.kind === 'comment' ? blank(body) : body;
    bare += piece.kind === 'code' ? body : blank(body);
    at = piece.end;
  }
  return { code, bare };
}

/** A source made from a text; `path` decides which rules apply to it. */
export function sourceOf(path: string, text: string): Source {
  return { path, text, ...blankLiterals(text) };
}

const WANTED = /\.(ts|tsx|mjs)$/;

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : walk(path);
    return WANTED.test(entry.name) || (folder.includes('firmware-hooks') && !entry.name.includes('.')) ? [path] : [];
  });
}

/** Every source below the given folders of `root`; a folder that is not there yet counts as empty. */
export function readSources(root: string, folders: readonly string[]): Source[] {
  const present = readdirSync(root);
  return folders
    .filter((name) => present.includes(name))
    .flatMap((name) => walk(join(root, name)))
    .map((path) => sourceOf(relative(root, path).split(sep).join('/'), readFileSync(path, 'utf8')));
}
