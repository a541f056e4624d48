import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type LocalParts, localActs } from '../../../../agent/compose/local-acts.js';
import type { ControlActs } from '../../../../agent/contract/control.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { TestLog } from '../../../support/test-log.js';
import { type OpenLog, openLog } from '../operation-log/open-log.js';
import { inFolder } from '../store/scratch.js';

const GRANT = 'AAAAAAAAAAAAAAAAAAAAAA';
const ENDED = 'BBBBBBBBBBBBBBBBBBBBBB';
const KID = `${GRANT}${GRANT.slice(1)}`;
const OLIVIA = { name: 'Olivia Example', email: 'olivia@example.org' };
const DANA = { name: 'Dana Example', email: 'dana@example.org' };

/** What is left of the recorder, for the test to look at and to break. */
interface Rig {
  readonly acts: ControlActs;
  readonly log: OpenLog;
  /** What was done, in order. */
  readonly done: string[];
  readonly broken: Map<string, AgentError>;
  readonly technical: TestLog;
  isOwned: boolean;
  rows(): Promise<string[]>;
}

const full = new AgentError({ code: 'store.full', say: 'The disk is full.', fix: 'Make room.' });

async function withRig(body: (rig: Rig) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const log = await openLog(folder);
    const done: string[] = [];
    const broken = new Map<string, AgentError>();
    const technical = new TestLog();
    const act = async <T>(name: string, answer: T): Promise<T> => {
      done.push(name);
      const error = broken.get(name);
      if (error !== undefined) throw error;
      return answer;
    };
    const rig: Rig = {
      ...{ log, done, broken, technical, isOwned: true },
      acts: localActs(partsOf(log, technical, act, () => rig.isOwned)),
      rows: async () =>
        (await log.service.list({ limit: 100 })).flatMap(({ entry }) =>
          entry === null || entry.action === 'agent.started'
            ? []
            : [`${entry.phase} ${entry.action} ${entry.source} ${entry.result ?? ''} ${entry.code ?? ''}`.trim()],
        ),
    };
    await body(rig);
    await log.close();
  });
}

function partsOf(log: OpenLog, technical: TestLog, act: <T>(name: string, answer: T) => Promise<T>, isOwned: () => boolean): LocalParts {
  const receipt = { withdraw: KID, epoch: 4, closed: [{ session: GRANT, cam: 'cam-1', lastMediaMs: 3 }], lastMediaMs: 3 };
  const grants = [
    { id: GRANT, state: 'in-force' },
    { id: ENDED, state: 'expired' },
  ];
  const permissions = {
    get owner() {
      return isOwned() ? { devices: [{ kid: KID, name: 'Old phone' }], consent: { by: OLIVIA } } : null;
    },
    ownerDevice: () => ({ kid: KID, name: 'Old phone' }),
    isOperatorAgreed: () => true,
    list: () => ({ grants, applications: [], devices: [] }),
    withdrawLocally: (ids?: string[]) => act('withdraw', { receipt, ids: ids ?? [GRANT, ENDED] }),
    removeDevice: () => act('remove', { closed: [] }),
    reset: () => act('reset', { receipt }),
    erasureDone: () => act('erasureDone', undefined),
  };
  const pairing = {
    isOpen: true,
    openForS: 900,
    press: ({ newCode }: { newCode: boolean }) => act('press', { armed: 'once', code: newCode ? 'K7MPX2QRT' : null }),
    openJoin: () => act('openJoin', 'K7MPX2QRT'),
    makeLabel: () => act('makeLabel', 'K7MPX2QRT'),
    retire: () => act('retire', undefined),
  };
  const state = {
    keys: async () => ['camera-login.cam-1', 'camera-login.cam-2'],
    delete: (key: string) => act(key, undefined),
    scrub: () => act('scrub', []),
  };
  const cameras = { list: () => [{ id: 'cam-1' }], setLogin: () => act('setLogin', {}) };
  const { service } = log;
  const operationLog = {
    list: service.list.bind(service),
    append: service.append.bind(service),
    intent: service.intent.bind(service),
    result: service.result.bind(service),
    findSubjects: service.findSubjects.bind(service),
    eraseSubject: service.eraseSubject.bind(service),
    eraseSubjects: service.eraseSubjects.bind(service),
    seal: () => act('seal', undefined).then(() => service.seal()),
  };
  return {
    ...{
      permissions,
      pairing,
      cameras,
      stores: { state, outbox: { clear: () => act('letters', undefined) } },
      operationLog,
      clock: log.clock,
      log: technical,
    },
    ...{ serial: 'ABCDEF', region: 'EU', plate: { model: 'NVR' }, startedAt: 0, operator: null },
  } as unknown as LocalParts;
}

const codeOf = async (asked: Promise<unknown>): Promise<string> => {
  try {
    await asked;
    return 'answered';
  } catch (error) {
    return error instanceof AgentError ? error.code : String(error);
  }
};

test('each act stands in the log before and after, with the way it came', () =>
  withRig(async ({ acts, rows }) => {
    assert.equal(await acts.press({ newCode: true }, 'button'), {
      serial: 'ABCDEF',
      code: 'K7MP-X2QR-T',
      label: 'SL1:ABCDEF:K7MPX2QRT:EU',
      openS: 900,
    });
    assert.equal(await acts.press({}, 'local'), { serial: 'ABCDEF', code: null, label: null, openS: 900 });
    assert.is((await acts['owner-code']({}, 'local')).code, 'K7MP-X2QR-T');
    assert.is((await acts.label({ again: true }, 'local')).model, 'NVR');
    assert.equal(await acts['owner-remove']({ kid: KID }, 'local'), { kid: KID, name: 'Old phone', sessionsEnded: 0, devicesLeft: 1 });
    assert.equal(await rows(), [
      'intent pairing.press button',
      'result pairing.press button ok',
      'intent pairing.press local',
      'result pairing.press local ok',
      'intent owner.open-window local',
      'result owner.open-window local ok',
      'intent pairing.label local',
      'result pairing.label local ok',
      'intent owner.remove-device local',
      'result owner.remove-device local ok',
    ]);
  }));

test('a refusal is told as one, a failure as one, and both reach whoever asked', () =>
  withRig(async ({ acts, broken, rows }) => {
    broken.set('press', new AgentError({ code: 'pairing.owned', say: 'Owned.', fix: 'Ask.' }));
    broken.set('openJoin', full);
    assert.is(await codeOf(acts.press({}, 'local')), 'pairing.owned');
    assert.is(await codeOf(acts['owner-code']({}, 'local')), 'store.full');
    assert.equal(await rows(), [
      'intent pairing.press local',
      'result pairing.press local refused pairing.owned',
      'intent owner.open-window local',
      'result owner.open-window local failed store.full',
    ]);
  }));

test('a withdrawal: sessions end in the tick in which it is asked for, and only what was in force is counted', () =>
  withRig(async ({ acts, done, rows }) => {
    const asked = acts.withdraw({}, 'button');
    assert.equal(done, ['withdraw'], 'not after a write to the disk');
    assert.equal(await asked, { epoch: 4, grants: [GRANT], sessionsEnded: 1, lastMediaMs: 3 });
    await acts.withdraw({ ids: [ENDED] }, 'local');
    assert.equal(await rows(), [
      'intent permissions.withdraw button',
      'result permissions.withdraw button ok',
      'intent permissions.withdraw local',
      'result permissions.withdraw local ok',
    ]);
  }));

test('a withdrawal works with a log that cannot be written, and says so when it could not be stored', () =>
  withRig(async ({ acts, done, broken, log, technical }) => {
    await log.database.close();
    assert.is((await acts.withdraw({}, 'local')).sessionsEnded, 1);
    assert.equal(done, ['withdraw']);
    assert.ok(technical.lines.some(({ message }) => message.includes('could not be written')));
    assert.is(await codeOf(acts.press({}, 'local')), 'log.unwritable', 'nothing else does');
    broken.set('withdraw', full);
    assert.is(await codeOf(acts.withdraw({}, 'local')), 'control.not_stored');
    broken.set('withdraw', new AgentError({ code: 'permissions.no_such_grant', say: 'None.', fix: 'Look.' }));
    assert.is(await codeOf(acts.withdraw({ ids: [ENDED] }, 'local')), 'permissions.no_such_grant');
  }));

test('a reset: owner, code, logins and people go, in this order; the rows stay and the chain holds', () =>
  withRig(async ({ acts, log, done, rows }) => {
    await log.service.append({ action: 'live.open', phase: 'result', source: 'relay', actor: 'employee', result: 'ok' }, DANA);
    await log.service.append({ action: 'permissions.grant', phase: 'result', source: 'relay', actor: 'owner', result: 'ok' }, OLIVIA);
    const before = (await log.service.position()).seq;
    assert.equal(await acts.reset({}, 'button'), {
      ...{ serial: 'ABCDEF', epoch: 4, grants: 1, sessionsEnded: 1, logins: 2, people: 2, left: [] },
    });
    const logins = ['camera-login.cam-1', 'camera-login.cam-2', 'setLogin'];
    assert.equal(done, ['reset', 'retire', 'letters', ...logins, 'scrub', 'erasureDone', 'seal']);
    assert.equal(await log.service.findSubjects(''), []);
    const told = await rows();
    assert.is(told.at(-1), 'result device.factory-reset button ok');
    assert.is(told.filter((row) => row.startsWith('result log.subject_erased button')).length, 2);
    assert.ok((await log.service.verify()).isOk);
    const checkpoint = await log.service.latestCheckpoint();
    assert.ok((checkpoint?.size ?? 0) >= before + 3, 'sealed after the erasure');
  }));

test('a reset goes on when a part fails, names it, and leaves the people due; without a log nothing is done', () =>
  withRig(async ({ acts, broken, done, log, rows }) => {
    await log.service.append({ action: 'live.open', phase: 'result', source: 'relay', actor: 'employee', result: 'ok' }, DANA);
    broken.set('retire', full);
    broken.set('camera-login.cam-1', full);
    const told = await acts.reset({}, 'local');
    assert.equal([told.left.length, told.logins, told.people], [2, 0, 1]);
    assert.ok(told.left.every((sentence) => sentence.endsWith('The disk is full.')));
    assert.is((await rows()).at(-1), 'result device.factory-reset local failed control.partly');
    broken.set('reset', full);
    assert.is(await codeOf(acts.reset({}, 'local')), 'control.not_stored', 'the owner is gone, and might be back after a restart');
    assert.is((await rows()).at(-1), 'result device.factory-reset local failed store.full');
    await log.database.close();
    done.length = 0;
    assert.is(await codeOf(acts.reset({}, 'local')), 'log.unwritable');
    assert.equal(done, []);
  }));

test.run();
