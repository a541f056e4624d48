import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ListedEntry } from '../../../../agent/operation-log/ports.js';
import { VisitBook } from '../../../../agent/operation-log/visits.js';
import { withLog } from './open-log.js';

const DANA = { name: 'Dana K', email: 'dana@installer.example' };
function visits(rows: readonly ListedEntry[]) {
  const [forward, backward] = [new VisitBook(), new VisitBook()];
  for (const row of rows) forward.add(row);
  for (const row of rows.toReversed()) backward.add(row);
  assert.equal(
    new Set(backward.list().map((visit) => JSON.stringify(visit))),
    new Set(forward.list().map((visit) => JSON.stringify(visit))),
    'whatever the order',
  );
  return forward.list();
}
const BY = { source: 'relay', actor: 'employee', result: 'ok' } as const;

test('one line per person, way, address and day; what the recorder did by itself is nobody’s visit', () =>
  withLog(async ({ service, clock }) => {
    const start = clock.at;
    const intent = await service.intent({ action: 'live.watch', ...BY }, DANA);
    clock.at += 5_000;
    await service.result(intent, { result: 'ok' });
    await service.append({ action: 'config.apply', phase: 'result', ...BY, result: 'refused', code: 'permissions.no_scope' }, DANA);
    await service.append({ action: 'config.get', phase: 'result', ...BY, source: 'lan', remote: 'abcdefghijk' }, DANA);
    await service.append({
      action: 'pairing.try',
      phase: 'result',
      source: 'lan',
      actor: 'system',
      remote: 'stranger123',
      result: 'refused',
    });
    await service.append({ action: 'pairing.press', phase: 'result', source: 'button', actor: 'local', result: 'ok' });
    clock.at += 86_400_000;
    await service.append({ action: 'config.get', phase: 'result', ...BY }, DANA);
    const [dana] = await service.findSubjects('dana');
    await service.append({ action: 'agent.note', phase: 'result', source: 'system', actor: 'system', result: 'ok' });
    const seen = async () =>
      visits(await service.list({ limit: 100 })).map(({ from, to, who, as, way, address, acts, refused }) =>
        [from - start, to - start, who?.name ?? as, way, address ?? '-', acts, refused].join(' '),
      );
    assert.equal(await seen(), [
      '5000 5000 Dana K relay - 1 1',
      '5000 5000 Dana K lan abcdefghijk 1 0',
      '5000 5000 system lan stranger123 0 1',
      '5000 5000 local button - 1 0',
      '86405000 86405000 Dana K relay - 1 0',
    ]);
    await service.eraseSubject(dana?.ref ?? '', { actor: 'local', source: 'local' });
    assert.equal(
      visits(await service.list({ limit: 100 }))
        .filter(({ isErased }) => isErased)
        .map(({ who, acts }) => [who, acts]),
      [
        [null, 1],
        [null, 1],
        [null, 1],
      ],
    );
  }));

test.run();
