/** A small strict XML reader (namespaces, no DTD, no processing instructions but the declaration) and the escaping for writing. Pure. */

export interface XmlElement {
  /** Namespace URI, '' for none. */
  readonly space: string;
  readonly name: string;
  /** Without namespace declarations; names as written. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Own character data, joined. */
  readonly text: string;
}

/** What is wrong, for the fault's text. */
export class XmlError extends Error {}

/** Deeper than any ONVIF message; keeps recursion bounded. */
const MAX_DEPTH = 40;
const NAME = '[A-Za-z_][\\w.-]*(?::[A-Za-z_][\\w.-]*)?';
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const XML_SPACE = 'http://www.w3.org/XML/1998/namespace';

function decode(text: string): string {
  return text.replace(/&([^;&]{0,10});?/g, (whole, name: string) => {
    const code = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(name);
    const point = code === null ? undefined : code[1] !== undefined ? Number.parseInt(code[1], 16) : Number(code[2]);
    const plain = point === undefined ? ENTITIES[name] : point <= 0x10ffff ? String.fromCodePoint(point) : undefined;
    if (plain === undefined || !whole.endsWith(';')) throw new XmlError(`unknown entity ${whole}`);
    return plain;
  });
}

/** Text for element content and attribute values. */
export const escapeXml = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&${{ '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' }[char]};`);

interface Open {
  readonly tag: string;
  readonly scope: ReadonlyMap<string, string>;
  readonly element: { space: string; name: string; attributes: Map<string, string>; children: XmlElement[]; text: string };
}

function openTag(tag: string, attributeText: string, parent: ReadonlyMap<string, string>): Open {
  const scope = new Map(parent);
  const attributes = new Map<string, string>();
  const pattern = new RegExp(`\\s+(${NAME})\\s*=\\s*(?:"([^"<]*)"|'([^'<]*)')`, 'gy');
  let end = 0;
  for (let match = pattern.exec(attributeText); match !== null; match = pattern.exec(attributeText)) {
    const [name, value] = [match[1] ?? '', decode(match[2] ?? match[3] ?? '')];
    if (name === 'xmlns') scope.set('', value);
    else if (name.startsWith('xmlns:')) scope.set(name.slice(6), value);
    else if (attributes.has(name)) throw new XmlError(`attribute ${name} twice`);
    else attributes.set(name, value);
    end = pattern.lastIndex;
  }
  if (attributeText.slice(end).trim() !== '') throw new XmlError(`broken attributes of ${tag}`);
  const [prefix, local] = tag.includes(':') ? (tag.split(':') as [string, string]) : ['', tag];
  const space = scope.get(prefix);
  if (space === undefined && prefix !== '') throw new XmlError(`prefix ${prefix} is not declared`);
  return { tag, scope, element: { space: space ?? '', name: local, attributes, children: [], text: '' } };
}

/** Reads a document; throws XmlError on everything that is not well-formed or not plain (DOCTYPE, unknown entities, other instructions). */
export function parseXml(document: string): XmlElement {
  const text = document.replace(/^\uFEFF/, '').replace(/^<\?xml\s[^>]*\?>/, '');
  const pattern = new RegExp(
    `<!--[\\s\\S]*?-->|<!\\[CDATA\\[([\\s\\S]*?)\\]\\]>|</(${NAME})\\s*>|<(${NAME})((?:\\s+${NAME}\\s*=\\s*(?:"[^"<]*"|'[^'<]*'))*\\s*)(/?)>|([^<]+)`,
    'gy',
  );
  const stack: Open[] = [];
  let root: XmlElement | undefined;
  let end = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    end = pattern.lastIndex;
    const [, cdata, closing, opening, attributeText = '', selfClosing, chars] = match;
    const top = stack.at(-1);
    if (chars !== undefined || cdata !== undefined) {
      const plain = cdata ?? decode(chars ?? '');
      if (top !== undefined) top.element.text += plain;
      else if (plain.trim() !== '') throw new XmlError('text outside the root element');
    } else if (opening !== undefined) {
      if (root !== undefined || stack.length >= MAX_DEPTH) throw new XmlError(root === undefined ? 'too deep' : 'two root elements');
      const made = openTag(opening, attributeText, top?.scope ?? new Map([['xml', XML_SPACE]]));
      top?.element.children.push(made.element);
      if (selfClosing !== '/') stack.push(made);
      else if (top === undefined) root = made.element;
    } else if (closing !== undefined) {
      const closed = stack.pop();
      if (closed?.tag !== closing) throw new XmlError(`${closing} closes nothing`);
      if (stack.length === 0) root = closed.element;
    }
  }
  if (end < text.length || root === undefined) throw new XmlError(`not well-formed at character ${end}`);
  return root;
}

/** The first child of that name (in a namespace when given). */
export function child(element: XmlElement | undefined, name: string, space?: string): XmlElement | undefined {
  return element?.children.find((one) => one.name === name && (space === undefined || one.space === space));
}

/** The trimmed text at the end of a path of names; undefined when something on the way is missing. */
export function textAt(element: XmlElement | undefined, ...path: readonly string[]): string | undefined {
  let at = element;
  for (const name of path) at = child(at, name);
  return at?.text.trim();
}
