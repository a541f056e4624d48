/** One command of the `sightline` program. */
export interface CliCommand {
  /** e.g. `log show`. */
  readonly name: string;
  /** One line for the overview. */
  readonly summary: string;
  /** Everything `--help` of this command prints. */
  readonly help: string;
  /** Answers the exit code. Throws AgentError for what a person can mend. */
  run(args: readonly string[], io: CliIo): Promise<number>;
}

/** What a command may touch of the outside. */
export interface CliIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly environment: NodeJS.ProcessEnv;
  /** Whether people read stderr. */
  readonly isTerminal: boolean;
  /** Whether stdout shows colours. */
  readonly hasColours?: boolean;
  /** Asks whoever sits at the terminal; undefined when nobody does. */
  readonly ask?: ((question: string) => Promise<string>) | undefined;
  /** The same for what must not be seen on the screen. */
  readonly askHidden?: ((question: string) => Promise<string>) | undefined;
  /** First line of what is piped in, without its end; empty when there is none. */
  readonly readLine?: (() => Promise<string>) | undefined;
}

/** Exit codes, documented in `sightline --help`. */
export const EXIT = { ok: 0, failed: 1, usage: 2, refused: 3, unreachable: 4, partly: 5 } as const;

/** Columns aligned by their widest cell; the last one is not padded. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  }
  return rows.map((row) => row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0))).join('  ')).join('\n');
}
