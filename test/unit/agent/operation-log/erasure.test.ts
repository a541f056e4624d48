import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { EntryInput } from '../../../../agent/operation-log/ports.js';
import { Connection } from '../../../../agent/store/connection.js';
import { until } from '../../../support/until.js';
import { codeOf, inFolder } from '../store/scratch.js';
import { openLog, withLog } from './open-log.js';

const ROW: EntryInput = { action: 'config.apply', phase: 'result', source: 'relay', actor: 'employee', result: 'ok' };
const OTHER = { name: 'Olga Tester', email: 'olga@x.example' };
const DANA = { name: 'Dana Kowalczyk-Ödegård', email: 'dana.kowalczyk@installer.example' };
const BY = { actor: 'owner', source: 'relay' } as const;

/** Files under `folder` that hold one of the texts. */
async function hits(folder: string, texts: readonly string[]): Promise<readonly string[]> {
  const files = await fs.readdir(folder);
  const found = await Promise.all(
    files.map(async (file) => {
      const bytes = await fs.readFile(join(folder, file));
      return texts.some((text) => bytes.includes(text)) ? [file] : [];
    }),
  );
  return found.flat();
}

test('after an erasure no byte of name or address is in any file, the chain holds, and a row says so', () =>
  withLog(async ({ service }, folder) => {
    for (let n = 0; n < 200; n += 1) {
      await service.append(
        { ...ROW, after: n % 20 === 0 ? { note: `for ${DANA.name.toUpperCase()}`, n } : { n } },
        n % 2 === 0 ? DANA : undefined,
      );
    }
    await service.append({ ...ROW, after: { mail: DANA.email } }, { name: 'Other', email: 'other@x.example' });
    const texts = [DANA.name, DANA.email, 'Kowalczyk', 'KOWALCZYK'];
    assert.ok((await hits(folder, texts)).length > 0);
    await fs.writeFile(join(folder, 'operation-log.db.before-v2'), `old copy ${DANA.name}`);
    await fs.writeFile(join(folder, 'operation-log.db.corrupt-x'), `${'x'.repeat(65_530)}${DANA.email}`);
    const [subject] = await service.findSubjects('KOWALCZYK');
    const ref = subject?.ref ?? '';
    const erased = await service.eraseSubject(ref, BY);
    assert.equal(erased.stillIn, [join(folder, 'operation-log.db.corrupt-x')]);
    await fs.rm(join(folder, 'operation-log.db.corrupt-x'));
    assert.equal(await hits(folder, texts), []);
    assert.is(erased.details, 11);
    const report = await service.verify();
    assert.equal([report.problem, report.erasedDetails], [null, 11]);
    const rows = await service.list({ limit: 3, newestFirst: true });
    assert.equal([rows[0]?.seq, rows[0]?.entry?.action, rows[0]?.entry?.object], [erased.seq, 'log.subject_erased', ref]);
    const [mine] = await service.list({ fromSeq: 2, limit: 1 });
    assert.equal([mine?.person, mine?.isPersonErased, mine?.entry?.actor.ref], [null, true, ref]);
    assert.equal(await service.findSubjects('kowalczyk'), []);
    assert.is((await service.findSubjects('')).length, 1);
  }));

test('an erased person who comes back is somebody new', () =>
  withLog(async ({ service }) => {
    await service.append(ROW, DANA);
    const before = (await service.findSubjects('dana'))[0]?.ref ?? '';
    await service.eraseSubject(before, BY);
    assert.is(await codeOf(service.eraseSubject(before, BY)), 'log.no_such_subject');
    assert.is(await codeOf(service.eraseSubject('nonsense', BY)), 'log.no_such_subject');
    await Promise.all([service.append(ROW, DANA), service.append(ROW, DANA)]);
    const now = await service.findSubjects('dana');
    assert.is(now.length, 1);
    assert.is.not(now[0]?.ref, before);
  }));

test('the same person keeps one ref over restarts, written differently or not; two logs do not share it', () =>
  inFolder(async (folder) => {
    const refs: (string | undefined)[] = [];
    for (const where of ['a', 'a', 'b']) {
      const log = await openLog(join(folder, where));
      const { seq } = await log.service.append(ROW, { name: ` ${DANA.name}`, email: DANA.email.toUpperCase() });
      refs.push((await log.service.list({ fromSeq: seq, limit: 1 }))[0]?.entry?.actor.ref);
      await log.close();
    }
    assert.is(refs[0], refs[1]);
    assert.is.not(refs[0], refs[2]);
  }));

test('whoever is erased in the middle of an act stays erased when it ends; a new act is a new person’s', () =>
  withLog(async ({ service }, folder) => {
    const watching = await service.intent({ action: 'live.watch', source: 'relay', actor: 'employee' }, DANA);
    const [subject] = await service.findSubjects('dana');
    await service.eraseSubject(subject?.ref ?? '', BY);
    await service.result(watching, { result: 'ok', bytes: 7 });
    assert.equal(await service.findSubjects(''), []);
    assert.equal(await hits(folder, [DANA.name, DANA.email]), []);
    const [ended] = await service.list({ limit: 1, newestFirst: true });
    assert.equal([ended?.isPersonErased, ended?.entry?.actor.ref], [true, subject?.ref]);
    // An act that turned out to be somebody else's names that person.
    const joining = await service.intent({ action: 'owner.join', source: 'relay', actor: 'owner' });
    await service.result({ ...joining, person: { name: 'Nina', email: 'nina@x.example' } }, { result: 'ok' });
    assert.is((await service.findSubjects('nina')).length, 1);
  }));

test('somebody who reads meanwhile is waited for: what could not leave the files at once leaves them later', () =>
  withLog(async ({ service, database, clock }, folder) => {
    for (let n = 0; n < 30; n += 1) await service.append(ROW, DANA);
    const waiting: (() => void)[] = [];
    clock.after = (_delayMs, act) => {
      waiting.push(act);
      return { cancel: () => undefined };
    };
    // Another program in the middle of reading the log.
    const reader = await Connection.open(database.path);
    await reader.exec('BEGIN');
    await reader.all('SELECT count(*) FROM entry');
    const [subject] = await service.findSubjects('dana');
    const erased = await service.eraseSubject(subject?.ref ?? '', BY);
    assert.equal(erased.stillIn, [`${database.path}-wal`]);
    assert.is(waiting.length, 1);
    await reader.exec('COMMIT');
    await reader.close();
    waiting[0]?.();
    await until('it is done', async () => (await hits(folder, [DANA.name, DANA.email])).length === 0);
    assert.is(waiting.length, 1, 'once is enough');
  }));

test('a person is found by the beginning of the reference too, not by a few letters of it', () =>
  withLog(async ({ service }) => {
    await service.append(ROW, DANA);
    const [subject] = await service.findSubjects('');
    const ref = subject?.ref ?? '';
    assert.is((await service.findSubjects(ref)).length, 1);
    assert.is((await service.findSubjects(ref.slice(0, 8))).length, 1);
    assert.equal(await service.findSubjects(ref.slice(0, 5)), []);
  }));

test('what somebody typed goes with the person: by a part of the name, by being her words, or with everybody; what nobody typed stays', () =>
  withLog(async ({ service }) => {
    const note = async (after: Record<string, string>, person?: typeof DANA): Promise<number> =>
      (await service.append({ ...ROW, action: 'owner.add-device', after }, person)).seq;
    const milo = { name: 'Milo Tester', email: 'milo@x.example' };
    const [phone, handy, hers, his, setting] = [
      await note({ deviceName: 'Dana’s old phone' }),
      await note({ device: 'DANAS Handy' }),
      await note({ note: 'on holiday until Monday' }, DANA),
      await note({ note: 'bandana found at the door' }, milo),
      await note({ 'cameras.cam-1.name': 'Dana' }, milo),
    ];
    const detailOf = async (seq = 0) => (await service.list({ fromSeq: seq, limit: 1 }))[0]?.detail;
    const refOf = async (name: string) => (await service.findSubjects(name))[0]?.ref ?? '';
    const erased = await service.eraseSubject(await refOf('dana'), BY);
    assert.is(erased.details, 3);
    for (const seq of [phone, handy, hers]) assert.is(await detailOf(seq), null);
    for (const seq of [his, setting]) assert.is.not(await detailOf(seq), null);
    const all = await service.eraseSubjects([await refOf('milo'), await refOf('milo'), 'A'.repeat(22)], BY, true);
    assert.equal([all.refs.length, all.details, await detailOf(his)], [1, 1, null]);
    assert.is.not(await detailOf(setting), null);
    assert.ok((await service.verify()).isOk);
  }));

test('names of cameras and presets, short names and names that are written into words go too; those that only look alike stay', () =>
  withLog(async ({ service }) => {
    const named = async (after: NonNullable<EntryInput['after']>): Promise<number> => (await service.append({ ...ROW, after }, OTHER)).seq;
    const people = ['Jo Li', '김민수', '王伟', DANA.name].map((name, at) => ({ name, email: `n${at}@names.example` }));
    for (const person of people) await service.append(ROW, person);
    const gone = [
      await named({ name: 'Dana’s desk' }),
      await named({ before: { site: 'Danas Laden' } }),
      await named({ note: ['Jo’s phone'] }),
      await named({ note: '김민수에게 전화' }),
      await named({ name: '交给王伟处理' }),
    ];
    const kept = [await named({ name: 'Front door' }), await named({ note: 'jo, look at the bandana' }), await named({ name: '王先生' })];
    const refs = await Promise.all(people.map(async ({ email }) => (await service.findSubjects(email))[0]?.ref ?? ''));
    await service.eraseSubjects(refs, BY);
    const detailOf = async (seq: number) => (await service.list({ fromSeq: seq, limit: 1 }))[0]?.detail;
    for (const seq of gone) assert.is(await detailOf(seq), null, `row ${seq}`);
    for (const seq of kept) assert.is.not(await detailOf(seq), null, `row ${seq}`);
  }));

test('many people at once: one look at what stands beside the rows, each told of in a row of its own', () =>
  withLog(async ({ service }, folder) => {
    const people = Array.from({ length: 60 }, (_, at) => ({ name: `Person ${at} Example`, email: `p${at}@people.example` }));
    for (let at = 0; at < 600; at += 50)
      await Promise.all(
        Array.from({ length: 50 }, (_, more) =>
          service.append({ ...ROW, after: { to: people[(at + more) % 120]?.name ?? 'nobody' } }, people[more]),
        ),
      );
    const refs = (await service.findSubjects('')).map(({ ref }) => ref);
    const erased = await service.eraseSubjects(refs, BY);
    assert.equal([erased.refs.length, erased.stillIn], [50, []]);
    const texts = people.slice(0, 50).flatMap(({ name, email }) => [name, email]);
    assert.equal(await hits(folder, texts), []);
    assert.is((await service.list({ action: 'log.subject_erased', limit: 1_000 })).length, 50);
    assert.ok((await service.verify()).isOk);
  }));

test.run();
