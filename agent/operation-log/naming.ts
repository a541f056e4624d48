import type { Person } from './entry.js';

/**
 * Looks for people in what stands beside the rows. Pure: the erasure asks it of every stored detail, for all who are erased at once, so that forgetting
 * a thousand people costs little more than forgetting one.
 */

/** Members of `before` and `after` whose text is somebody's own words: notes, and what people call their devices. */
const OWN_WORDS: ReadonlySet<string> = new Set(['note', 'device', 'deviceName']);
/** Members in which things of the site are named. The names of things stay, unless they hold a person's. */
const NAMES: ReadonlySet<string> = new Set(['name', 'site', 'label']);
const HAS_TYPED = /"(?:note|device|deviceName|name|site|label)"/;
/** A shorter name would be found in words everywhere, so it counts only as a whole value. */
const LEAST_ANYWHERE = 4;
/** A shorter part of a name is a word of its own too often ("de"), so it counts only as it is written: "Jo", not "jo". */
const LEAST_WORD = 3;
/** Scripts that write no spaces between words, or join endings to names: there a name is looked for inside of words. */
const UNSPACED = /^[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]{2,}$/u;
const GRAM = 3;
const TABLE_BITS = 12;

/** Whose names are looked for. `isEverybody`: all who were there before; then nothing that somebody typed is kept. */
export interface Sought {
  readonly people: readonly Person[];
  readonly isEverybody?: boolean | undefined;
}

/** The names and addresses of some people, ready to be looked for in many texts. */
export class NameSearch {
  readonly #isEverybody: boolean;
  /** Which first three letters occur, so that most places of a text cost one look into a table. */
  readonly #table = new Uint8Array(1 << TABLE_BITS);
  readonly #byGram = new Map<string, string[]>();
  readonly #words: ReadonlySet<string>;
  readonly #shortWords: ReadonlySet<string>;
  readonly #unspaced: readonly string[];

  constructor({ people, isEverybody = false }: Sought) {
    this.#isEverybody = isEverybody;
    for (const { name, email } of people) for (const text of [name, email]) for (const needle of needlesOf(text)) this.#add(needle);
    const words = people.flatMap(({ name }) => wordsOf(name));
    this.#words = new Set(words.map(fold).filter((word) => word.length >= LEAST_WORD));
    this.#shortWords = new Set(words.filter((word) => word.length === LEAST_WORD - 1 && /^\p{Lu}/u.test(word)));
    this.#unspaced = [...new Set([...words, ...people.map(({ name }) => name.replace(/\s+/gu, ''))])].filter((word) => UNSPACED.test(word));
  }

  /**
   * Whether this detail (JSON text) must go: it holds a name or an address, in any case of its letters and both forms of its accents; or somebody typed
   * it, and it holds one word of a name ("Dana's phone"), or it is by one of those (`isTheirs`): then the words are hers, whatever they say.
   */
  isIn(json: string, isTheirs: boolean): boolean {
    if (this.#isNamed(fold(json))) return true;
    if (!HAS_TYPED.test(json)) return false;
    const { own, named } = typedIn(json);
    if ((this.#isEverybody || isTheirs) && own.length > 0) return true;
    return [...own, ...named].some((text) => this.#isWithin(text));
  }

  #isWithin(text: string): boolean {
    if (wordsOf(text).some((word) => this.#shortWords.has(word) || this.#isWord(fold(word)))) return true;
    const whole = text.normalize('NFC');
    return this.#unspaced.some((name) => whole.includes(name));
  }

  #isWord(word: string): boolean {
    // "Danas Handy": in some languages the genitive has no apostrophe.
    return this.#words.has(word) || (word.endsWith('s') && this.#words.has(word.slice(0, -1)));
  }

  #isNamed(text: string): boolean {
    for (let at = 0; at + GRAM <= text.length; at += 1) {
      if (this.#table[slotOf(text, at)] === 0) continue;
      const needles = this.#byGram.get(text.slice(at, at + GRAM));
      if (needles?.some((needle) => text.startsWith(needle, at)) === true) return true;
    }
    return false;
  }

  #add(needle: string): void {
    const gram = needle.slice(0, GRAM);
    this.#table[slotOf(needle, 0)] = 1;
    this.#byGram.set(gram, [...(this.#byGram.get(gram) ?? []), needle]);
  }
}

function slotOf(text: string, at: number): number {
  const sum = text.charCodeAt(at) + text.charCodeAt(at + 1) * 31 + text.charCodeAt(at + 2) * 961;
  return sum & ((1 << TABLE_BITS) - 1);
}

/** How a text may stand in JSON, folded; none for the empty text, and at least three letters each. */
function needlesOf(text: string): readonly string[] {
  if (text === '') return [];
  const quoted = [text, text.toUpperCase()].map((form) => fold(JSON.stringify(form)));
  return [...new Set(text.normalize('NFC').length < LEAST_ANYWHERE ? quoted : quoted.map((one) => one.slice(1, -1)))];
}

function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

/** Letters and digits that stand together, as they are written. */
function wordsOf(text: string): readonly string[] {
  return text
    .normalize('NFC')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
}

/** What somebody typed in this detail, at any depth, lists included. Text that is no JSON was edited by somebody: all of it counts. */
function typedIn(json: string): { readonly own: readonly string[]; readonly named: readonly string[] } {
  const own: string[] = [];
  const named: string[] = [];
  try {
    JSON.parse(json, (key, value: unknown) => {
      const texts = (Array.isArray(value) ? value : [value]).filter((text) => typeof text === 'string' && text !== '');
      if (OWN_WORDS.has(key)) own.push(...texts);
      if (NAMES.has(key)) named.push(...texts);
      return value;
    });
  } catch {
    return { own: [json], named: [] };
  }
  return { own, named };
}
