import { OncePer } from '../cloud/rate.js';
import { CONTROL, type ControlActs, type ControlOp, type ControlSource } from '../contract/control.js';
import type { Clock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import type { Log } from '../kernel/log.js';
import type { OperationLog } from '../operation-log/ports.js';

/** Where looks at the recorder are written down. */
export interface LookParts {
  readonly operationLog: Pick<OperationLog, 'append'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** As an employee's looks from afar: a page that is looked at again and again is one look. */
const LOOK_PERIOD_MS = 15 * 60_000;
/** What tells how the recorder is, and nothing of anybody; the watchdog asks it all day. */
const STATUS_ONLY: ReadonlySet<ControlOp> = new Set(['status']);
/** The log speaks of what is shown as it does when it is shown from afar. */
const ACTION: Partial<Record<ControlOp, string>> = {
  permissions: 'permissions.list',
  owner: 'owner.show',
  ledger: 'ledger.get',
  cameras: 'site.get',
};

/** Whether this operation shows something that somebody must be able to find out about later. */
export function isLook(op: ControlOp): boolean {
  return !CONTROL[op].isAct && !STATUS_ONLY.has(op);
}

/**
 * The acts at the recorder, with a row for what only shows something: who may do what, whose it is, who stands in the log. Written after it was shown,
 * once in a quarter of an hour; a log that cannot be written hides nothing from whoever stands at the recorder.
 */
export function withLooks(parts: LookParts, acts: ControlActs): ControlActs {
  const looks = new OncePer(LOOK_PERIOD_MS);
  const noted = async (op: ControlOp, source: ControlSource, error: unknown): Promise<void> => {
    const look = `${op} ${source} ${error === undefined}`;
    if (!looks.isDue(look, parts.clock.monotonicMs())) return;
    const outcome = error === undefined ? ({ result: 'ok' } as const) : ({ result: 'failed', code: codeOf(error) } as const);
    const row = { action: ACTION[op] ?? op.replace('-', '.'), phase: 'result', source, actor: 'local', ...outcome } as const;
    await parts.operationLog.append(row).catch((cause: unknown) => {
      // A look without a row must not stand for those after it.
      looks.forget(look);
      parts.log.warn('a look at the recorder could not be written to the operation log', { op, cause });
    });
  };
  const names = Object.keys(CONTROL).filter((op): op is ControlOp => isLook(op as ControlOp));
  const looked = names.map((op) => {
    const act = acts[op] as (args: unknown, source: ControlSource) => Promise<unknown>;
    const wrapped = async (args: unknown, source: ControlSource): Promise<unknown> => {
      try {
        const shown = await act(args, source);
        await noted(op, source, undefined);
        return shown;
      } catch (error) {
        await noted(op, source, error);
        throw error;
      }
    };
    return [op, wrapped] as const;
  });
  return { ...acts, ...(Object.fromEntries(looked) as Partial<ControlActs>) };
}

function codeOf(error: unknown): string {
  return error instanceof AgentError ? error.code : 'control.failed';
}
