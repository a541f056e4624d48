/** Small, repeatable chance and the ways in which it spoils bytes. Pure. */

/** A stream of numbers that one seed fixes (xorshift, 32 bits). */
export class Chance {
  #state: number;

  constructor(seed: number) {
    // Zero would stay zero; mixing keeps neighbouring seeds apart.
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0 || 1;
  }

  /** 0 .. below-1. */
  below(below: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % Math.max(1, below);
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)];
  }
}

type Mutator = (bytes: Buffer, chance: Chance, others: readonly Buffer[], tokens: readonly Buffer[]) => Buffer;

const EDGES = [0x00, 0x01, 0x20, 0x7f, 0x80, 0xa0, 0xaf, 0xfe, 0xff];

const flipBit: Mutator = (bytes, chance) => {
  const out = Buffer.from(bytes);
  const at = chance.below(out.length);
  if (out.length > 0) out[at] = (out[at] ?? 0) ^ (1 << chance.below(8));
  return out;
};

const setByte: Mutator = (bytes, chance) => {
  const out = Buffer.from(bytes);
  if (out.length > 0) out[chance.below(out.length)] = chance.below(2) === 0 ? chance.below(256) : (chance.pick(EDGES) ?? 0);
  return out;
};

const cutOut: Mutator = (bytes, chance) => {
  const start = chance.below(bytes.length);
  const end = start + 1 + chance.below(Math.min(64, bytes.length - start));
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
};

const repeat: Mutator = (bytes, chance) => {
  const start = chance.below(bytes.length);
  const piece = bytes.subarray(start, start + 1 + chance.below(64));
  const times = chance.below(8) === 0 ? 1 + chance.below(200) : 1;
  return Buffer.concat([bytes.subarray(0, start), ...Array.from({ length: times }, () => piece), bytes.subarray(start)]);
};

const truncate: Mutator = (bytes, chance) => bytes.subarray(0, chance.below(bytes.length + 1));

const splice: Mutator = (bytes, chance, others) => {
  const other = chance.pick(others) ?? bytes;
  return Buffer.concat([bytes.subarray(0, chance.below(bytes.length + 1)), other.subarray(chance.below(other.length + 1))]);
};

const insertToken: Mutator = (bytes, chance, _others, tokens) => {
  const at = chance.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), chance.pick(tokens) ?? Buffer.of(chance.below(256)), bytes.subarray(at)]);
};

const noise: Mutator = (bytes, chance) => {
  const at = chance.below(bytes.length + 1);
  const made = Buffer.from(Array.from({ length: 1 + chance.below(24) }, () => chance.below(256)));
  return Buffer.concat([bytes.subarray(0, at), made, bytes.subarray(at)]);
};

const MUTATORS: readonly Mutator[] = [
  flipBit,
  flipBit,
  setByte,
  setByte,
  cutOut,
  repeat,
  truncate,
  splice,
  insertToken,
  insertToken,
  noise,
];
/** Longer inputs tell nothing that shorter ones do not, and cost their square. */
export const MOST_BYTES = 32_768;

/** One to six changes in a row. */
export function mutate(bytes: Buffer, chance: Chance, others: readonly Buffer[], tokens: readonly Buffer[]): Buffer {
  let out = bytes;
  const rounds = 1 + chance.below(6);
  for (let round = 0; round < rounds; round += 1)
    out = (chance.pick(MUTATORS) ?? flipBit)(out, chance, others, tokens).subarray(0, MOST_BYTES);
  return Buffer.from(out);
}
