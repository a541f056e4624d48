import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../../scripts/root.js';
import type { AgentStart } from './agent-process.js';

/** What the agent's process told of itself; see agent-eyes.ts. */
export type Sight =
  | { readonly kind: 'child'; readonly program: string; readonly argv: readonly string[] }
  | { readonly kind: 'fsync' | 'rename'; readonly path: string }
  | { readonly kind: 'answered' }
  /** The longest that the event loop was kept busy in one go, and memory, in a quarter of a second. */
  | { readonly kind: 'pulse'; readonly stallMs: number; readonly rssBytes: number };

const PRELOAD = pathToFileURL(join(ROOT, '.build', 'test', 'support', 'agent-eyes.js')).href;

/** Looks at an agent from inside. Give `start` to `startAgent`; the file may be used over several starts. */
export class Eyes {
  readonly start: AgentStart;
  readonly #path: string;
  readonly #shiftPath: string;

  /** `folder` must not be the agent's state folder. */
  constructor(folder: string, name = 'eyes') {
    this.#path = join(folder, `${name}.jsonl`);
    this.#shiftPath = join(folder, `${name}.shift`);
    writeFileSync(this.#path, '');
    writeFileSync(this.#shiftPath, '0 0');
    this.start = { node: ['--import', PRELOAD], environment: { EYES_FILE: this.#path, EYES_SHIFT: this.#shiftPath } };
  }

  /** Everything so far, oldest first. */
  get seen(): readonly Sight[] {
    const whole = readFileSync(this.#path, 'utf8').split('\n').slice(0, -1);
    return whole.map((line) => JSON.parse(line) as Sight);
  }

  /** Programs that were started, each with its arguments. */
  get programs(): readonly string[] {
    return this.seen.flatMap((sight) => (sight.kind === 'child' ? [[sight.program, ...sight.argv.slice(1)].join(' ')] : []));
  }

  /** Pulses since the `from`th sight. */
  pulses(from = 0): readonly Extract<Sight, { kind: 'pulse' }>[] {
    return this.seen.slice(from).filter((sight) => sight.kind === 'pulse');
  }

  /** Turns the wall clock of the agent, and lets it have been up for so much longer; counts within 10 ms, until it is said again. */
  shiftClocks(wallMs: number, uptimeMs = 0): void {
    // Whole or not at all: half a number would be another time.
    writeFileSync(`${this.#shiftPath}.new`, `${wallMs} ${uptimeMs}`);
    renameSync(`${this.#shiftPath}.new`, this.#shiftPath);
  }
}
