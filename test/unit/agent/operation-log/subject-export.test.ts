import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { subjectCsv, subjectJson } from '../../../../agent/commands/subject-lines.js';
import type { Piece } from '../../../../agent/commands/write-out.js';
import type { EntryInput } from '../../../../agent/operation-log/ports.js';
import { subjectEntries } from '../../../../agent/operation-log/subject-export.js';
import { OperationLogStore } from '../../../../agent/store/operation-log-store.js';
import { withLog } from './open-log.js';

const DANA = { name: 'Dana Ödegård', email: 'dana@installer.example' };
const MILO = { name: 'Milo P', email: 'milo@installer.example' };
const ROW: EntryInput = { action: 'config.apply', phase: 'result', source: 'relay', actor: 'employee', result: 'ok' };

async function textOf(pieces: AsyncIterable<Piece>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += piece.text;
  return text;
}

test('everything about one person: by her own acts and where she is named, more than a page of it, nobody else', () =>
  withLog(async ({ service, database, clock }) => {
    const store = new OperationLogStore(database);
    await Promise.all(
      Array.from({ length: 1_300 }, (_, n) =>
        service.append(
          n % 100 === 7
            ? { ...ROW, action: 'permissions.grant', after: { to: DANA.name.normalize('NFD').toUpperCase() } }
            : { ...ROW, after: { n } },
          n % 2 === 0 ? DANA : MILO,
        ),
      ),
    );
    const [dana] = await service.findSubjects('dana@');
    const found = [];
    for await (const one of subjectEntries(store, dana?.ref ?? '', DANA)) found.push(one);
    assert.equal([found.length, found.filter(({ how }) => how === 'named').length], [663, 13]);
    assert.equal(
      found.map(({ seq }) => seq),
      found.map(({ seq }) => seq).sort((a, b) => a - b),
    );
    const head = { ref: dana?.ref ?? '', ...DANA, device: 'SN1', at: clock.at };
    const lines = (await textOf(subjectJson(subjectEntries(store, head.ref, DANA), head))).trimEnd().split('\n');
    assert.is(lines.length, 664);
    assert.equal(JSON.parse(lines[0] ?? ''), { kind: 'person', v: 1, ...head, at: new Date(clock.at).toISOString() });
    assert.not.match(lines.slice(1).join('\n'), /Milo|milo@/);
    const csv = (await textOf(subjectCsv(subjectEntries(store, head.ref, DANA)))).trimEnd().split('\r\n');
    assert.is(csv.length, 664);
    assert.match(csv[1] ?? '', /^2,2027-01-15T08:00:00.000Z,ntp,acted,result,config.apply,relay,employee,/);
    assert.match(csv[1] ?? '', /,"\{""n"":0\}"$/);
    assert.is(
      new Set(csv.map((line) => line.replace(/"[^"]*(?:""[^"]*)*"/g, '').split(',').length)).size,
      1,
      'as many cells in every line',
    );
  }));

test('of a person who is not there nothing is found', () =>
  withLog(async ({ service, database }) => {
    await service.append(ROW, MILO);
    const found = [];
    for await (const one of subjectEntries(new OperationLogStore(database), 'A'.repeat(22), DANA)) found.push(one);
    assert.equal(found, []);
  }));

test.run();
