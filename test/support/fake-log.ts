import type { AnswerOf, ArgsOf, OperationName } from '../../agent/contract/operations.js';
import { newId } from '../../agent/contract/text.js';

/** What the fake recorder does around its log. */
export interface FakeLogActs {
  /** Adds a row. */
  note(action: string): void;
  /** Takes everything back. */
  stop(): void;
  /** Takes the employee's name out of the rows. */
  erase(): void;
  size(): number;
}

type Names = Extract<OperationName, `log.${string}` | `ledger.${string}` | `incident.${string}`>;
type LogHandlers = { [Name in Exclude<Names, 'log.list' | 'log.proof'>]: (args: ArgsOf<Name>) => AnswerOf<Name> };

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The owner's care of the log, as a page needs it. It signs nothing, so nothing can be compared with it, and nothing proven. */
export function fakeLogHandlers(acts: FakeLogActs): LogHandlers {
  const kept = { days: 365, rows: 200_000, isHeld: false, fullness: 0.01, incidentSince: null as number | null };
  const noted = (action: string): number => {
    acts.note(action);
    return acts.size();
  };
  return {
    'log.witness': () => ({ problem: null, checkpoint: null, path: null, beginsAt: 0 }),
    'log.people': () => ({ people: [{ ref: 'D'.repeat(22), name: 'Dana Example', email: 'dana@example.org' }], isMore: false }),
    'log.visits': () => {
      const [now, dana] = [Date.now(), { name: 'Dana Example', email: 'dana@example.org' }];
      const visit = { isErased: false, address: null, from: now - 40 * MINUTE_MS, to: now - 7 * MINUTE_MS };
      return {
        now,
        visits: [
          { ...visit, who: dana, as: 'employee', way: 'relay', acts: 4, refused: 0 },
          { ...visit, who: null, as: 'local', way: 'local', acts: 1, refused: 0 },
          { ...visit, who: null, as: 'system', way: 'lan', address: 'kQ3x'.repeat(5), acts: 0, refused: 3 },
        ],
        isMore: false,
      };
    },
    'log.export': ({ from }) =>
      from === null
        ? { text: '{"kind":"header"}\n', to: 13, next: { to: 13, seq: 6, ref: null, skip: 0 } }
        : { text: '{"kind":"end"}\n', to: 13, next: null },
    'log.erase': ({ ref }) => {
      acts.erase();
      return { ref, seq: noted('log.subject_erased'), details: 0, stillIn: [] };
    },
    'log.kept': () => kept,
    'log.retention': (change) => Object.assign(kept, change),
    'ledger.get': () => fakeLedger(Date.now()),
    'incident.open': () => {
      acts.stop();
      Object.assign(kept, { isHeld: true, incidentSince: Date.now() });
      return { at: Date.now(), seq: noted('incident.open'), grants: 1, sessionsEnded: 0, left: [] };
    },
    'incident.close': () => {
      Object.assign(kept, { isHeld: false, incidentSince: null });
      return { seq: noted('incident.close') };
    },
  };
}

function fakeLedger(now: number): AnswerOf<'ledger.get'> {
  const day = Math.floor(now / DAY_MS);
  return {
    now,
    lines: [
      { day, what: 'media', to: 'viewer', messages: 913, bytes: 1_200_000 },
      { day, what: 'status', to: 'relay', messages: 4, bytes: 3_100 },
    ],
    isMore: false,
    sessions: [
      { session: '', kind: 'still', cam: 'cam-1', who: 'Dana Example', endedAt: now - 2 * MINUTE_MS, durationMs: 0, bytes: 90_000 },
      {
        session: newId(),
        kind: 'copy',
        cam: 'cam-1',
        who: 'Dana Example',
        endedAt: now - 7 * MINUTE_MS,
        durationMs: 83_000,
        bytes: 900_000,
      },
    ],
  };
}
