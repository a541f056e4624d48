import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CliCommand } from '../../../../agent/commands/command.js';
import { errorJson, errorText, exitCodeOf } from '../../../../agent/commands/exit-code.js';
import type { ControlActs, ControlOp, ControlSource } from '../../../../agent/contract/control.js';
import { ControlServer } from '../../../../agent/control/control-server.js';
import { TestLog } from '../../../support/test-log.js';

/** How a command ended and what it said. */
export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** An agent that answers as the test says, behind a real socket. */
export class CliRig {
  readonly folder = mkdtempSync(join(tmpdir(), 'sightline-cli-'));
  readonly asked: [ControlOp, unknown, ControlSource][] = [];
  readonly #server: ControlServer;

  constructor(answers: Partial<Record<ControlOp, unknown>>) {
    const acts = new Proxy({} as ControlActs, {
      get: (_target, op: ControlOp) => async (args: unknown, source: ControlSource) => {
        this.asked.push([op, args, source]);
        const answer = answers[op];
        if (answer instanceof Error) throw answer;
        return answer;
      },
    });
    this.#server = new ControlServer(join(this.folder, 'agent.sock'), () => acts, new TestLog());
  }

  async start(): Promise<this> {
    await this.#server.start();
    return this;
  }

  /**
   * Runs a command as the program does. `typed`: what somebody at the terminal answers; undefined when nobody sits there. `secret.hidden`: what he
   * types unseen; `secret.piped`: the first line of standard input.
   */
  async run(
    command: CliCommand,
    args: readonly string[],
    typed?: string,
    secret: { readonly hidden?: string; readonly piped?: string } = {},
  ): Promise<Said> {
    const said = { out: '', err: '' };
    const io = {
      out: (text: string): void => {
        said.out += text;
      },
      err: (text: string): void => {
        said.err += text;
      },
      environment: { SIGHTLINE_STATE: this.folder },
      isTerminal: false,
      ask: typed === undefined ? undefined : async () => typed,
      askHidden: secret.hidden === undefined ? undefined : async () => secret.hidden ?? '',
      readLine: secret.piped === undefined ? undefined : async () => secret.piped ?? '',
    };
    try {
      return { code: await command.run(args, io), ...said };
    } catch (error) {
      if (args.includes('--json')) io.out(errorJson(error));
      else io.err(errorText(error));
      return { code: exitCodeOf(error), ...said };
    }
  }

  async stop(): Promise<void> {
    await this.#server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs `body` with such an agent. */
export async function withAgent(answers: Partial<Record<ControlOp, unknown>>, body: (rig: CliRig) => Promise<void>): Promise<void> {
  const rig = await new CliRig(answers).start();
  try {
    await body(rig);
  } finally {
    await rig.stop();
  }
}
