import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { closeIncident, type IncidentParts, openIncident } from '../../../../agent/compose/incident.js';
import { logActs } from '../../../../agent/compose/log-acts.js';
import { choose, erasePerson, kept, ledgerDays, people, visitsOn } from '../../../../agent/compose/log-desk.js';
import { siteRef } from '../../../../agent/compose/operation-log.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { createLog } from '../../../../agent/kernel/log.js';
import { DEFAULT_RETENTION, type RetentionRule } from '../../../../agent/operation-log/retention.js';
import { LogUpkeep } from '../../../../agent/operation-log/upkeep.js';
import { TestLog } from '../../../support/test-log.js';
import { type OpenLog, withLog } from '../operation-log/open-log.js';
import { codeOf } from '../store/scratch.js';

const OLIVIA = { name: 'Olivia Example', email: 'olivia@example.org' };
const DANA = { name: 'Dana Example', email: 'dana@example.org' };
const MILO = { name: 'Milo Example', email: 'milo@example.org' };
const BY = { source: 'local', actor: 'local' } as const;
const ROW = { action: 'config.get', phase: 'result', source: 'relay', actor: 'employee', result: 'ok' } as const;
const full = new AgentError({ code: 'store.full', say: 'The disk is full.', fix: 'Make room.' });

interface Rig {
  readonly parts: IncidentParts;
  readonly log: OpenLog;
  readonly done: string[];
  /** What fails. */
  readonly broken: Set<string>;
  readonly documents: Map<string, unknown>;
  applications: { id: string; person: typeof DANA }[];
  rule(): RetentionRule;
}

function withRig(body: (rig: Rig) => Promise<void>): Promise<void> {
  return withLog(async (log) => {
    const [done, broken, documents] = [[] as string[], new Set<string>(), new Map<string, unknown>()];
    const act = async <T>(name: string, answer: T): Promise<T> => {
      done.push(name);
      if (broken.has(name)) throw full;
      return answer;
    };
    let rule: RetentionRule = DEFAULT_RETENTION;
    const upkeep = new LogUpkeep({
      log: log.service,
      store: {
        load: async () => rule,
        save: async (next) => {
          await act('save rule', undefined);
          rule = next;
        },
      },
      onNearlyFull: () => undefined,
      clock: log.clock,
      technicalLog: createLog({ level: 'error', clock: log.clock, format: 'json', write: () => undefined }),
    });
    const rig: Rig = {
      ...{ log, done, broken, documents, applications: [], rule: () => rule },
      parts: undefined as unknown as IncidentParts,
    };
    const receipt = { closed: [{}], epoch: 2 };
    const parts = {
      operationLog: log.service,
      ledger: { between: async (from: number, to: number) => [{ day: from, what: 'status', to: 'relay', messages: 1, bytes: to }] },
      permissions: {
        owner: { consent: { by: OLIVIA } },
        list: () => ({ applications: rig.applications }),
        decline: (id: string) => act(`decline ${id}`, undefined),
        withdrawLocally: () => act('withdraw', { ids: ['a', 'b'], receipt }),
      },
      pairing: { retire: () => act('retire', undefined) },
      renewCertificate: () => act('renew', undefined),
      stores: {
        state: {
          get: async (key: string) => documents.get(key),
          put: async (key: string, value: unknown) => void documents.set(key, await act(`put ${key}`, value)),
          scrub: () => act('scrub', ['/state.db.corrupt-x']),
        },
      },
      ...{ upkeep, clock: log.clock, log: new TestLog() },
    };
    await body(Object.assign(rig, { parts: parts as unknown as IncidentParts }));
  });
}

const actions = async (log: OpenLog): Promise<string[]> =>
  (await log.service.list({ limit: 99, fromSeq: 2 })).map(({ entry }) => `${entry?.action} ${entry?.result ?? entry?.phase}`);

test('an erasure takes what the person asked for with it, and what the files said; nobody else is touched', () =>
  withRig(async ({ parts, log, done, applications }) => {
    for (const person of [DANA, MILO]) await log.service.append(ROW, person);
    applications.push({ id: 'hers', person: { name: ' Dana Example', email: 'DANA@example.org' } }, { id: 'his', person: MILO });
    const { people: found, isMore } = await people(parts, 'dana', 5);
    assert.is(isMore, false);
    const erased = await erasePerson(parts, found[0]?.ref ?? '', BY);
    assert.equal(done, ['decline hers', 'scrub']);
    assert.equal(erased.stillIn, [], 'a damaged file that does not name her is not told of');
    assert.equal((await actions(log)).slice(2), ['permissions.decline ok', 'log.subject_erased ok']);
    assert.is((await people(parts, '', 5)).people.length, 1);
    assert.is((await people(parts, '', 0)).isMore, true);
    assert.is(await codeOf(erasePerson(parts, found[0]?.ref ?? '', BY)), 'log.no_such_subject');
  }));

test('whoever owns the recorder is not erased by it', () =>
  withRig(async ({ parts, log, done }) => {
    await log.service.append(ROW, OLIVIA);
    const [olivia] = (await people(parts, 'olivia', 5)).people;
    assert.is(await codeOf(erasePerson(parts, olivia?.ref ?? '', BY)), 'log.subject_is_owner');
    assert.equal([done, (await people(parts, 'olivia', 5)).people.length], [[], 1]);
  }));

test('an incident: everything is taken back first, then held, void and renewed; one row; the first begin stays', () =>
  withRig(async ({ parts, log, done, documents, rule }) => {
    const opened = await openIncident(parts, 'broken into', BY);
    assert.equal(done, ['withdraw', 'save rule', 'put incident', 'retire', 'renew']);
    assert.equal([opened.grants, opened.sessionsEnded, opened.left, opened.seq], [2, 1, [], 2]);
    assert.equal(await actions(log), ['incident.open ok']);
    assert.is((await log.service.latestCheckpoint())?.size, 2, 'sealed');
    assert.ok(rule().isHeld);
    const since = (documents.get('incident') as { openSince: number }).openSince;
    log.clock.at += 1_000;
    await openIncident(parts, 'again', BY);
    assert.equal(documents.get('incident'), { v: 1, openSince: since, seq: 2, wasHeld: false });
    assert.is((await kept(parts)).incidentSince, since);
    assert.is(await codeOf(choose(parts, { isHeld: false }, BY)), 'incident.is_open');
    assert.ok((await choose(parts, { days: 40 }, BY)).isHeld);
    await closeIncident(parts, 'locks changed', BY);
    assert.equal([rule().isHeld, rule().days, (await kept(parts)).incidentSince], [false, 40, null]);
    assert.is(await codeOf(closeIncident(parts, 'twice', BY)), 'incident.none');
    const [closed] = await log.service.list({ action: 'incident.close', limit: 1 });
    assert.equal(closed?.detail?.after, { note: 'locks changed', openedAt: since });
  }));

test('while a hold stands nobody is forgotten', () =>
  withRig(async ({ parts, log }) => {
    await log.service.append(ROW, DANA);
    const [dana] = (await people(parts, 'dana', 5)).people;
    await choose(parts, { isHeld: true }, BY);
    assert.is(await codeOf(erasePerson(parts, dana?.ref ?? '', BY)), 'log.held');
    await choose(parts, { isHeld: false }, BY);
    assert.is((await erasePerson(parts, dana?.ref ?? '', BY)).details, 0);
  }));

test('a hold that stood before an incident stands after it', () =>
  withRig(async ({ parts, rule }) => {
    await choose(parts, { isHeld: true }, BY);
    await openIncident(parts, 'x', BY);
    await closeIncident(parts, 'y', BY);
    assert.ok(rule().isHeld);
  }));

test('what fails is named and stops nothing; a hold that cannot be stored counts all the same', () =>
  withRig(async ({ parts, log, done, broken }) => {
    for (const what of ['withdraw', 'save rule', 'put incident', 'retire', 'renew']) broken.add(what);
    await log.database.write(async (tx) => void (await tx.run('ALTER TABLE entry RENAME TO away')));
    const { left, grants } = await openIncident(parts, 'broken into', BY);
    assert.is(grants, 0);
    assert.equal(done, ['withdraw', 'save rule', 'put incident', 'retire', 'renew']);
    assert.is(left.length, 7, left.join('\n'));
    assert.match(left[0] ?? '', /^The permissions could not be withdrawn for good\. The disk is full\.$/);
    assert.ok(parts.upkeep.rule.isHeld);
  }));

test('the ledger of today by the recorder’s clock, with the pictures that ended then and who watched them', () =>
  withRig(async ({ parts, log }) => {
    const day = Math.floor(log.clock.at / 86_400_000);
    const watch = { action: 'live.watch', source: 'relay', actor: 'employee', channel: 'cam-1', sessionId: 's1' } as const;
    const intent = await log.service.intent(watch, DANA);
    await log.service.result(intent, { result: 'ok', bytes: 900, durationMs: 5 });
    const [dana] = await log.service.findSubjects('dana');
    log.clock.at += 86_400_000;
    const later = await log.service.intent({ ...watch, sessionId: 's2' }, MILO);
    await log.service.result(later, { result: 'ok', bytes: 7, durationMs: 1 });
    await log.service.eraseSubject(dana?.ref ?? '', BY);
    const today = await ledgerDays(parts, { fromDay: null, toDay: null }, 9);
    assert.equal([today.lines[0]?.day, today.lines[0]?.bytes], [day + 1, day + 1]);
    assert.equal(
      today.sessions.map(({ session, who, bytes }) => [session, who, bytes]),
      [['s2', 'Milo Example', 7]],
    );
    const both = await ledgerDays(parts, { fromDay: day, toDay: null }, 9);
    assert.equal(
      both.sessions.map(({ session, who }) => [session, who]),
      [
        ['s2', 'Milo Example'],
        ['s1', null],
      ],
    );
    const one = await ledgerDays(parts, { fromDay: day, toDay: null }, 1);
    assert.equal([one.sessions.length, one.isMore, both.isMore], [1, true, false]);
  }));

test('the pictures of a day: live, recordings, copies and stills, each by its kind; what was only begun or refused left nothing', () =>
  withRig(async ({ parts, log }) => {
    const by = { source: 'relay', actor: 'employee', channel: 'cam-1' } as const;
    const acts = ['live.watch', 'playback.watch', 'playback.copy', 'cameras.snapshot'];
    for (const [at, action] of acts.entries()) {
      const intent = await log.service.intent({ ...by, action, ...(at < 3 && { sessionId: `s${at}` }) }, DANA);
      await log.service.result(intent, { result: 'ok', bytes: at + 1, ...(at < 3 && { durationMs: 5 }) });
    }
    await log.service.append({ ...by, action: 'cameras.snapshot', phase: 'result', result: 'refused', bytes: 0 }, DANA);
    await log.service.append({ ...by, action: 'playback.export', phase: 'result', result: 'ok', sessionId: 's2' }, DANA);
    await log.service.intent({ ...by, action: 'playback.copy', sessionId: 's9' }, DANA);
    const today = await ledgerDays(parts, { fromDay: null, toDay: null }, 9);
    assert.equal(
      today.sessions.map(({ session, kind, who, bytes, durationMs }) => [session, kind, who, bytes, durationMs]),
      [
        ['', 'still', DANA.name, 4, 0],
        ['s2', 'copy', DANA.name, 3, 5],
        ['s1', 'recording', DANA.name, 2, 5],
        ['s0', 'live', DANA.name, 1, 5],
      ],
    );
    const three = await ledgerDays(parts, { fromDay: null, toDay: null }, 3);
    assert.equal([three.sessions.length, three.isMore, today.isMore], [3, true, false]);
  }));

test('who came in on these days: from the rows, newest first, and whether there were more', () =>
  withRig(async ({ parts, log }) => {
    const day = Math.floor(log.clock.at / 86_400_000);
    await log.service.append(ROW, DANA);
    log.clock.at += 86_400_000;
    for (const person of [DANA, MILO]) await log.service.append({ ...ROW, result: 'refused' }, person);
    log.clock.at += 1_000;
    await log.service.append(ROW, MILO);
    const today = await visitsOn(parts, { fromDay: null, toDay: null }, 9);
    assert.equal(
      today.visits.map(({ who, acts, refused, to }) => [who?.name, acts, refused, to === today.now]),
      [
        ['Milo Example', 1, 1, true],
        ['Dana Example', 0, 1, false],
      ],
    );
    const both = await visitsOn(parts, { fromDay: day, toDay: null }, 2);
    assert.equal([both.visits.length, both.isMore], [2, true]);
  }));

test('at the recorder: what is refused before it begins stands in the log all the same, and so does a log that was taken away', () =>
  withRig(async ({ parts, log }) => {
    await log.service.append(ROW, OLIVIA);
    const [olivia] = (await people(parts, 'olivia', 5)).people;
    const acts = logActs(parts);
    assert.is(await codeOf(acts['log-erase']({ ref: olivia?.ref ?? '' }, 'local')), 'log.subject_is_owner');
    assert.is(await codeOf(acts['incident-close']({ note: 'x' }, 'button')), 'incident.none');
    await openIncident(parts, 'x', undefined);
    assert.is(await codeOf(acts['log-retention']({ isHeld: false }, 'local')), 'incident.is_open');
    const { seq } = await acts['log-exported']({ ref: null, details: true, people: false }, 'local');
    const rows = await log.service.list({ fromSeq: 3, limit: 9 });
    assert.equal(
      rows.map(({ entry }) => [entry?.action, entry?.source, entry?.result, entry?.code]),
      [
        ['log.erase', 'local', 'refused', 'log.subject_is_owner'],
        ['incident.close', 'button', 'refused', 'incident.none'],
        ['log.retention', 'local', 'refused', 'incident.is_open'],
        ['log.exported', 'local', 'ok', undefined],
      ],
    );
    assert.equal([rows.at(-1)?.seq, rows.at(-1)?.detail?.after], [seq, { details: true, people: false }]);
  }));

test('rows name the site by the consent of its owner, and nobody’s while nobody owns the recorder', () => {
  const permissions: { owner: { consentStatement: string } | null } = { owner: null };
  const site = siteRef(permissions);
  assert.is(site(), undefined);
  permissions.owner = { consentStatement: 'a.b.c' };
  const [first, again] = [site(), site()];
  assert.match(first ?? '', /^[\w-]{22}$/);
  assert.is(again, first);
  permissions.owner = { consentStatement: 'd.e.f' };
  assert.is.not(site(), first);
});

test.run();
