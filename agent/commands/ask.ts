import type { ControlAnswer, ControlArgs, ControlOp } from '../contract/control.js';
import { askAgent } from '../control/control-client.js';
import { systemClock } from '../kernel/clock.js';
import { controlPath, readSource, stateFolder } from './arguments.js';
import type { CliIo } from './command.js';

/** Options that say which agent is meant and who asks. */
export interface Whom {
  readonly state?: string | undefined;
  readonly source?: string | undefined;
}

/** People are not left without a word for longer than this. */
const SILENCE_MS = 300;

/** Asks the agent of the state folder that is meant; tells on the terminal what is waited for when it takes its time. Rejects as askAgent does. */
export async function ask<Op extends ControlOp>(
  op: Op,
  whom: Whom,
  io: CliIo,
  args?: ControlArgs<Op>,
  waitingFor = 'the agent’s answer',
): Promise<ControlAnswer<Op>> {
  const path = controlPath(stateFolder(whom.state, io.environment));
  let isTold = false;
  const timer = systemClock.after(
    SILENCE_MS,
    () => {
      isTold = io.isTerminal;
      if (isTold) io.err(`Waiting for ${waitingFor} ...`);
    },
    true,
  );
  try {
    return await askAgent(path, op, { args, source: readSource(whom.source) });
  } finally {
    timer.cancel();
    if (isTold) io.err('\r\u001b[K');
  }
}
