/**
 * A value that must not be seen: it prints as `[secret]` in logs, JSON, string concatenation and the inspector.
 * `reveal()` is the only way to the text, which makes every use easy to find.
 */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]';
  }
}
