/** The evidence of an incident, fetched by the owner's app: pieces in order, patience with a slow way, none with what will not change. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ExportPlace } from '../../../../../agent/contract/log-views.js';
import { AgentError } from '../../../../../agent/kernel/errors.js';
import { type EvidenceParts, fetchEvidence } from '../../../../../scripts/portal/client/log-evidence.js';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 24, 12);
const refusal = (code: string, retryable: boolean): AgentError => new AgentError({ code, say: 'x', fix: 'y', retryable });

/** A recorder of four pieces that first throws what it is given to throw. */
function openRig(failures: AgentError[] = []) {
  const asked: [string, unknown][] = [];
  const waits: number[] = [];
  const progress: [number, number][] = [];
  const place = (seq: number): ExportPlace => ({ to: 90, seq, ref: null, skip: 0 });
  const call = async (op: string, args: { from?: ExportPlace | null; fromDay?: number; toDay?: number }) => {
    const error = failures.shift();
    if (error !== undefined) throw error;
    asked.push([op, args]);
    if (op === 'ledger.get') {
      const day = args.fromDay ?? 0;
      const session = { session: `s${day}`, cam: 'cam-1', who: 'Dana Example', endedAt: day * DAY_MS, durationMs: 1, bytes: 2 };
      return { now: NOW, lines: [{ day, what: 'media', to: 'viewer', messages: 1, bytes: 2 }], sessions: [session], isMore: false };
    }
    const seq = args.from?.seq ?? 0;
    return { text: `from ${seq}\n`, to: 90, next: seq >= 90 ? null : place(seq + 30) };
  };
  const parts: EvidenceParts = {
    client: { call } as unknown as EvidenceParts['client'],
    wait: async (ms) => void waits.push(ms),
    onProgress: (...told) => void progress.push(told),
  };
  return { parts, asked, waits, progress };
}

test('all pieces in order, with how far it is; the ledger from 30 days before, a month at a time', async () => {
  const { parts, asked, progress, waits } = openRig();
  const { log, ledger } = await fetchEvidence(parts, { since: NOW - 10 * DAY_MS, now: NOW });
  assert.is(log.join(''), 'from 0\nfrom 30\nfrom 60\nfrom 90\n');
  assert.equal(progress, [
    [30, 90],
    [60, 90],
    [90, 90],
    [90, 90],
  ]);
  const today = Math.floor(NOW / DAY_MS);
  assert.equal(
    asked.slice(4).map(([, args]) => args),
    [
      { fromDay: today - 40, toDay: today - 10 },
      { fromDay: today - 9, toDay: today },
    ],
  );
  const told = JSON.parse(ledger) as {
    from: string;
    to: string;
    lines: { day: string }[];
    sessions: { endedAt: string }[];
    isMore: boolean;
  };
  assert.equal([told.from, told.to, told.isMore], ['2026-10-15', '2026-11-24', false]);
  assert.equal([told.lines[1]?.day, told.sessions[1]?.endedAt], ['2026-11-15', '2026-11-15T00:00:00.000Z']);
  assert.equal(waits, []);
});

test('a lost answer and a recorder that asks to be spared are waited for; what will not change is told at once', async () => {
  const slow = openRig([refusal('command.too_many', true), refusal('client.timeout', true), refusal('client.unreachable', true)]);
  assert.is((await fetchEvidence(slow.parts, { since: NOW, now: NOW })).log.length, 4);
  assert.equal(slow.waits, [2_000, 2_000, 2_000]);
  const codes = async (...failures: AgentError[]): Promise<string> => {
    const { parts } = openRig(failures);
    return fetchEvidence(parts, { since: NOW, now: NOW }).then(
      () => 'done',
      (error: AgentError) => error.code,
    );
  };
  assert.is(await codes(refusal('log.shortened', true)), 'log.shortened');
  assert.is(await codes(refusal('permissions.not_owner', false)), 'permissions.not_owner');
  assert.is(await codes(...Array.from({ length: 5 }, () => refusal('client.timeout', true))), 'client.timeout', 'not for ever');
});

test.run();
