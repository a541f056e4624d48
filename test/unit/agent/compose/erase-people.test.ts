import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { erasePeople, finishErasure } from '../../../../agent/compose/erase-people.js';
import type { AgentError } from '../../../../agent/kernel/errors.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';
import { TestLog } from '../../../support/test-log.js';
import { withLog } from '../operation-log/open-log.js';
import { handOver, makeRig } from '../permissions/permission-rig.js';

const OLIVIA = { name: 'Olivia Example', email: 'olivia@example.org' };
const DANA = { name: 'Dana Example', email: 'dana@example.org' };
const NINA = { name: 'Nina Example', email: 'nina@example.org' };
const ROW = { action: 'live.open', phase: 'result', source: 'relay', actor: 'employee', result: 'ok' } as const;

/** Where the permissions stood. */
const state = { scrub: async () => ['old.db'] };

/** The part of the permissions that remembers whether an erasure is due. */
function due(by: typeof OLIVIA | null) {
  return {
    isErasureDue: true,
    owner: by === null ? null : { since: 1, consent: { by } },
    async erasureDone() {
      this.isErasureDue = false;
    },
  };
}

test('after a hand-over the people of before go, the new owner stays', () =>
  withLog(async ({ service: operationLog }) => {
    for (const person of [OLIVIA, DANA, NINA]) await operationLog.append(ROW, person);
    const permissions = due(NINA);
    const order = { by: { actor: 'owner', source: 'lan' }, keep: [{ ...NINA, email: 'Nina@Example.org' }] } as const;
    assert.equal(await erasePeople({ operationLog, permissions, state }, order), { count: 2, stillIn: ['old.db'] });
    assert.equal(
      (await operationLog.findSubjects('')).map(({ name }) => name),
      ['Nina Example'],
    );
    assert.not(permissions.isErasureDue);
    assert.ok((await operationLog.verify()).isOk);
  }));

test('more people than one look-up finds: all of them, and the files that still hold one are named once', async () => {
  const people = Array.from({ length: 9500 }, (_, at) => ({ ref: String(at), name: `N${at}`, email: `n${at}@example.org` }));
  const gone = new Set<string>();
  const operationLog = {
    findSubjects: async () => people.filter(({ ref }) => !gone.has(ref)).slice(0, 1000),
    eraseSubjects: async (refs: readonly string[]) => {
      for (const ref of refs) gone.add(ref);
      return { refs, details: 0, stillIn: ['old.db'] };
    },
  };
  const erased = await erasePeople({ operationLog, permissions: due(null), state }, { by: { actor: 'local', source: 'local' } });
  assert.equal(erased, { count: 9500, stillIn: ['old.db'] });
});

test('a reset while the erasure of a hand-over goes on: neither stumbles over the other, and the reset’s own stays due until it is done', () =>
  withLog(async ({ service: operationLog }) => {
    const rig = await makeRig();
    for (const person of [OLIVIA, DANA, NINA]) await operationLog.append(ROW, person);
    await handOver(rig, await newSigningKey(), { erasePeople: true });
    const parts = { operationLog, permissions: rig.permissions, state };
    const first = erasePeople(parts, { by: { actor: 'system', source: 'system' }, keep: [NINA] });
    await rig.permissions.reset();
    await first;
    assert.ok(rig.permissions.isErasureDue, 'the hand-over’s end is not the reset’s');
    await Promise.all([1, 2].map(() => erasePeople(parts, { by: { actor: 'local', source: 'local' } })));
    assert.equal([rig.permissions.isErasureDue, await operationLog.findSubjects('')], [false, []]);
  }));

test('names that stay in the log’s newest pages because somebody reads: told as that, tried again, and no file is named for removal', async () => {
  const permissions = due(null);
  let isRead = true;
  const people = [{ ref: 'a', ...DANA }];
  const operationLog = {
    findSubjects: async () => people.splice(0),
    eraseSubjects: async (refs: readonly string[]) => ({ refs, details: 0, stillIn: isRead ? ['/s/operation-log.db-wal'] : [] }),
  };
  const order = { by: { actor: 'local', source: 'local' } } as const;
  const failed = await erasePeople({ operationLog, permissions, state }, order).then(
    () => undefined,
    (error: AgentError) => error,
  );
  assert.equal([failed?.code, failed?.message.includes('-wal'), permissions.isErasureDue], ['log.erasure_unfinished', false, true]);
  isRead = false;
  people.push({ ref: 'a', ...DANA });
  assert.equal(await erasePeople({ operationLog, permissions, state }, order), { count: 1, stillIn: ['old.db'] });
  assert.not(permissions.isErasureDue);
});

test('the start goes on with what was broken off: after a reset the logins go as well', () =>
  withLog(async ({ service: operationLog }) => {
    await operationLog.append(ROW, DANA);
    const permissions = due(null);
    let logins = 0;
    const eraseLogins = async (): Promise<void> => {
      logins += 1;
    };
    const service = finishErasure({ operationLog, permissions, state, eraseLogins, log: new TestLog() });
    await service.start();
    await service.stop();
    assert.equal([permissions.isErasureDue, logins, (await operationLog.findSubjects('')).length], [false, 1, 0]);
    await service.start();
    await service.stop();
    assert.is(logins, 1, 'nothing is due any more');
  }));

test('after a hand-over that was broken off the logins stay; a failure is told and leaves it due', async () => {
  const permissions = due(OLIVIA);
  const log = new TestLog();
  const operationLog = {
    findSubjects: () => Promise.reject(new RangeError('disk')),
    eraseSubjects: () => Promise.reject(new RangeError('disk')),
  };
  const eraseLogins = (): Promise<void> => assert.unreachable('no reset') as unknown as Promise<void>;
  const service = finishErasure({ operationLog, permissions, state, eraseLogins, log });
  await service.start();
  await service.stop();
  assert.ok(permissions.isErasureDue);
  assert.is(log.lines.filter(({ level }) => level === 'error').length, 1);
});

test.run();
