import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Signer, signStatement, verifyStatement } from '../../../../../agent/contract/jws.js';
import type { WitnessAnswer } from '../../../../../agent/contract/log-views.js';
import { Checkpoint } from '../../../../../agent/contract/statements.js';
import { AgentError } from '../../../../../agent/kernel/errors.js';
import { newSigningKey } from '../../../../../scripts/portal/client/keys.js';
import { provenRow, type WitnessedRecorder, watchLog } from '../../../../../scripts/portal/client/log-witness.js';
import type { RecorderCall } from '../../../../../scripts/portal/client/recorder-call.js';
import { type OpenLog, withLog } from '../../../agent/operation-log/open-log.js';
import { codeOf } from '../../../agent/store/scratch.js';

const SERIAL = 'SN4F2K7Q9D';
const ROW = { action: 'config.get', phase: 'result', source: 'relay', actor: 'owner', result: 'ok' } as const;

interface Rig {
  readonly recorder: WitnessedRecorder;
  readonly log: OpenLog;
  readonly memory: { kept: string | null; saves: number; load(): Promise<string | null>; save(jws: string): Promise<void> };
  /** Set, the recorder lies with it. */
  lie: ((answer: WitnessAnswer) => WitnessAnswer) | undefined;
  rows(count: number): Promise<void>;
  /** A checkpoint about whatever a recorder with this key might claim. */
  forge(changes: Partial<Checkpoint>): Promise<string>;
}

/** A real log behind the app's client, without letters in between. */
async function withRig(body: (rig: Rig) => Promise<void>): Promise<void> {
  const { signer, publicKey } = await newSigningKey();
  const sign = (checkpoint: Checkpoint) => signStatement('checkpoint+jws', checkpoint, signer as Signer);
  const open = (jws: string) => verifyStatement(jws, 'checkpoint+jws', publicKey, Checkpoint);
  await withLog(
    async (log) => {
      const memory = {
        kept: null as string | null,
        saves: 0,
        load: async () => memory.kept,
        save: async (jws: string) => {
          memory.kept = jws;
          memory.saves += 1;
        },
      };
      const rig: Rig = {
        recorder: {
          client: { call: ((op: string, args: never) => answer(rig, op, args)) as RecorderCall['call'] },
          serial: SERIAL,
          deviceKey: publicKey,
        },
        ...{ log, memory, lie: undefined },
        rows: async (count) => {
          await Promise.all(Array.from({ length: count }, () => log.service.append(ROW)));
          await log.service.seal();
        },
        forge: async (changes) => sign({ ...((await open(memory.kept ?? '')) as Checkpoint), ...changes }),
      };
      await body(rig);
    },
    { device: SERIAL, signer: { sign, open } },
  );
}

async function answer(
  rig: Rig,
  op: string,
  args: { checkpoint: string | null; by: 'owner' | 'relay'; seq: number | null; earlier: number | null },
) {
  const { service } = rig.log;
  if (op === 'log.proof') {
    const { checkpoint, row, path } = await service.prove(args);
    return { checkpoint: checkpoint.jws, row, path };
  }
  const { problem, checkpoint, path, beginsAt } = await service.witnessed(args.by, args.checkpoint);
  const said: WitnessAnswer = { problem, checkpoint: checkpoint?.jws ?? null, path: path && [...path], beginsAt };
  return rig.lie?.(said) ?? said;
}

test('the first look remembers; later ones are convinced by the path alone, whatever the size', () =>
  withRig(async (rig) => {
    assert.is((await watchLog(rig.recorder, rig.memory, null)).verdict, 'first');
    for (const more of [0, 1, 5, 63, 64, 130]) {
      await rig.rows(more);
      const { verdict, newest } = await watchLog(rig.recorder, rig.memory, null);
      assert.equal([verdict, newest?.size], ['whole', (await rig.log.service.position()).seq]);
      assert.is(rig.memory.kept, (await rig.log.service.latestCheckpoint())?.jws);
    }
    const { saves } = rig.memory;
    await watchLog(rig.recorder, rig.memory, rig.memory.kept);
    assert.is(rig.memory.saves, saves, 'nothing new, nothing written');
  }));

test('a log that was put back, cut or rewritten is found, also when the recorder says that all is well; the old checkpoint stays', () =>
  withRig(async (rig) => {
    await rig.rows(40);
    await watchLog(rig.recorder, rig.memory, null);
    const before = rig.memory.kept;
    await rig.rows(30);
    const held = (await rig.log.service.latestCheckpoint())?.jws ?? '';
    const answers: readonly (readonly [string, string, (said: WitnessAnswer) => WitnessAnswer])[] = [
      ['changed', 'cut', (said) => ({ ...said, problem: null, path: [], checkpoint: before })],
      ['changed', 'checkpoint', (said) => ({ ...said, path: (said.path ?? []).slice(1) })],
      ['changed', 'checkpoint', (said) => ({ ...said, path: (said.path ?? []).map(() => 'ab'.repeat(32)) })],
      ['unproven', 'checkpoint', (said) => ({ ...said, path: null })],
      ['unproven', 'signature', (said) => ({ ...said, checkpoint: null })],
      ['unproven', 'signature', (said) => ({ ...said, checkpoint: `${said.checkpoint?.slice(0, -4)}AAAA` })],
      ['changed', 'gap', (said) => ({ ...said, problem: { kind: 'gap', seq: 3, say: 'Row 3 is missing.' } })],
    ];
    for (const [verdict, kind, lie] of answers) {
      rig.lie = lie;
      // Seen by the relay only, or by the app itself: both must notice.
      const seen = kind === 'cut' ? held : null;
      const report = await watchLog(rig.recorder, rig.memory, seen);
      assert.equal([report.verdict, report.finding?.kind], [verdict, kind]);
      assert.is(rig.memory.kept, before, `${kind} changes nothing in the memory`);
    }
  }));

test('the recorder tells by itself when its file was put back: the alarm stands in the log', () =>
  withRig(async (rig) => {
    await rig.rows(40);
    await watchLog(rig.recorder, rig.memory, null);
    rig.memory.kept = await rig.forge({ size: 90 });
    const cut = await watchLog(rig.recorder, rig.memory, null);
    assert.equal([cut.verdict, cut.finding?.kind, cut.finding?.seq], ['changed', 'cut', 42]);
    rig.memory.kept = await rig.forge({ size: 20 });
    assert.is((await watchLog(rig.recorder, rig.memory, null)).finding?.kind, 'checkpoint');
    const alarms = await rig.log.service.list({ action: 'security.', limit: 9 });
    assert.equal(
      alarms.map(({ entry }) => [entry?.action, entry?.code, entry?.object]),
      [['security.witness', 'log.cut', 'row 42, witness owner']],
    );
  }));

test('what somebody else signed is no witness; a recorder that denies its own signature is found', () =>
  withRig(async (rig) => {
    await rig.rows(3);
    const { signer } = await newSigningKey();
    const other = await signStatement(
      'checkpoint+jws',
      { v: 1, device: SERIAL, size: 900, head: 'a'.repeat(64), root: 'b'.repeat(64), at: 1 },
      signer,
    );
    assert.is((await watchLog(rig.recorder, rig.memory, other)).verdict, 'first');
    rig.lie = () => {
      throw new AgentError({ code: 'log.foreign_checkpoint', say: 'Not mine.', fix: 'Go away.' });
    };
    const denied = await watchLog(rig.recorder, rig.memory, null);
    assert.equal([denied.verdict, denied.finding?.kind], ['changed', 'signature']);
  }));

test('beyond what the owner’s rule took out nothing can be proven, and that is said', () =>
  withRig(async (rig) => {
    await watchLog(rig.recorder, rig.memory, null);
    await rig.rows(70);
    const held = rig.memory.kept;
    rig.log.clock.at += 40 * 86_400_000;
    await rig.rows(5);
    assert.ok((await rig.log.service.prune({ days: 30, rows: 10_000, isHeld: false })) > 0);
    assert.is((await watchLog(rig.recorder, rig.memory, null)).verdict, 'shortened');
    // The state in which the shortened log begins is proven like any other.
    assert.is.not(rig.memory.kept, held);
    await rig.rows(5);
    assert.is((await watchLog(rig.recorder, rig.memory, null)).verdict, 'whole');
  }));

test('a row is shown with its proof, and another text under the same proof is not believed', () =>
  withRig(async (rig) => {
    await rig.rows(100);
    for (const seq of [1, 2, 64, 65, 101]) {
      const { body, under } = await provenRow(rig.recorder, seq);
      assert.equal([(JSON.parse(body) as { seq: number }).seq, under.size], [seq, 101]);
    }
    assert.is(await codeOf(provenRow(rig.recorder, 102)), 'log.not_provable');
    const { client } = rig.recorder;
    const liar = {
      ...rig.recorder,
      client: {
        call: async (op: never, args: never) => {
          const proof = (await client.call(op, args)) as { row: { body: string } };
          return { ...proof, row: { ...proof.row, body: proof.row.body.replace('config.get', 'config.set') } };
        },
      } as unknown as RecorderCall,
    };
    assert.is(await codeOf(provenRow(liar, 64)), 'log.bad_proof');
  }));

test.run();
