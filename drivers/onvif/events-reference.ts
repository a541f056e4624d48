/**
 * Reference parameters of a subscription (WS-Addressing 1.0 SOAP Binding, 3.4): some cameras tell subscriptions apart by elements that
 * must come back as header blocks of every request. The parser drops prefixes, so they are cut out of the answer's text here.
 */

const LONGEST = 4096;
/** An answer to a subscription is short; looking through a long one would cost more than it could bring. */
const LONGEST_ANSWER = 16 * 1024;
const WSA = 'http://www.w3.org/2005/08/addressing';

interface Open {
  readonly local: string;
  readonly start: number;
  readonly scope: ReadonlyMap<string, string>;
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1);

/** Namespace declarations inside one start tag; the default namespace under the empty name. */
function declarations(tag: string): readonly (readonly [string, string])[] {
  return [...tag.matchAll(/\sxmlns(?::([\w.-]+))?\s*=\s*("[^"]*"|'[^']*')/g)].map((match) => [
    match[1] ?? '',
    (match[2] ?? '').slice(1, -1),
  ]);
}

/** Prefixes an element uses in names of elements and attributes; the empty one for names without. */
function prefixesOf(xml: string): ReadonlySet<string> {
  const names = [...xml.matchAll(/<\/?(?:([\w.-]+):)?[\w.-]+/g)].map((match) => match[1] ?? '');
  const attributes = [...xml.matchAll(/\s([\w.-]+):[\w.-]+\s*=/g)].map((match) => match[1] ?? '');
  return new Set([...names, ...attributes].filter((prefix) => prefix !== 'xmlns' && prefix !== 'xml'));
}

/** The element as a header block that stands by itself; undefined when it uses a prefix that nobody declared. */
function headerBlock(xml: string, scope: ReadonlyMap<string, string>): string | undefined {
  const own = new Set([...xml.matchAll(/\sxmlns(?::([\w.-]+))?\s*=/g)].map((match) => match[1] ?? ''));
  let added = '';
  for (const prefix of prefixesOf(xml)) {
    if (own.has(prefix)) continue;
    const space = scope.get(prefix);
    if (space === undefined && prefix === '') continue;
    if (space === undefined) return undefined;
    added += ` xmlns${prefix === '' ? '' : `:${prefix}`}="${space.replaceAll('"', '&quot;')}"`;
  }
  const name = /^<[\w.:-]+/.exec(xml)?.[0] ?? '';
  const rest = xml.slice(name.length).replace(/\s[\w.-]+:IsReferenceParameter\s*=\s*(?:"[^"]*"|'[^']*')/, '');
  return `${name} xmlns:wsar="${WSA}" wsar:IsReferenceParameter="true"${added}${rest}`;
}

/** Tags of a document in order, without comments, CDATA and instructions; each with its place. */
function* tagsOf(xml: string): Generator<{ readonly tag: string; readonly start: number; readonly end: number }> {
  const pattern = /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\?[\s\S]*?\?>|<\/?[\w.:-]+(?:"[^"]*"|'[^']*'|[^"'<>])*>/g;
  for (const match of xml.matchAll(pattern)) {
    if (/^<[!?]/.test(match[0])) continue;
    yield { tag: match[0], start: match.index, end: match.index + match[0].length };
  }
}

/** Finished header blocks for the reference parameters named in an answer's text; empty when there are none. Never throws. */
export function referenceHeaders(xml: string): string {
  const stack: Open[] = [];
  const blocks: string[] = [];
  if (xml.length > LONGEST_ANSWER) return '';
  const close = (start: number, end: number, scope: ReadonlyMap<string, string>): void => {
    const parent = stack.at(-1)?.local;
    if (parent !== 'ReferenceParameters' && parent !== 'ReferenceProperties') return;
    const block = end - start > LONGEST ? undefined : headerBlock(xml.slice(start, end), stack.at(-1)?.scope ?? scope);
    if (block !== undefined && blocks.length < 8) blocks.push(block);
  };
  for (const { tag, start, end } of tagsOf(xml)) {
    if (tag.startsWith('</')) {
      const open = stack.pop();
      if (open !== undefined) close(open.start, end, open.scope);
      continue;
    }
    const outer = stack.at(-1)?.scope ?? new Map<string, string>();
    const declared = declarations(tag);
    const scope = declared.length === 0 ? outer : new Map([...outer, ...declared]);
    if (tag.endsWith('/>')) close(start, end, scope);
    else stack.push({ local: localName(/^<([\w.:-]+)/.exec(tag)?.[1] ?? ''), start, scope });
  }
  return blocks.join('');
}
