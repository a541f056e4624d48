import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cameraRows } from '../../../../agent/compose/camera-rows.js';
import type { EntryInput } from '../../../../agent/operation-log/entry.js';
import { TestLog } from '../../../support/test-log.js';

test('what cameras do by themselves is a row of the recorder, with addresses only where they can be erased', () => {
  const rows: EntryInput[] = [];
  const append = async (entry: EntryInput) => {
    rows.push(entry);
    return { seq: rows.length, head: '' };
  };
  const note = cameraRows({ append }, new TestLog());
  note({ kind: 'appeared', channel: 'cam-1' });
  note({ kind: 'moved', channel: 'cam-1', fromHost: '192.0.2.1', toHost: '192.0.2.9' });
  note({ kind: 'alarm', channel: 'cam-1', alarm: 'video-loss', isOn: true });
  note({ kind: 'alarm', channel: 'cam-1', alarm: 'video-loss', isOn: false });
  note({ kind: 'input', channel: 'cam-1', input: 'door', isOn: true });
  assert.ok(rows.every(({ source, actor, phase, result }) => [source, actor, phase, result].join() === 'system,system,result,ok'));
  assert.equal(
    rows.map(({ action, object = '' }) => `${action} ${object}`.trim()),
    ['cameras.appeared', 'cameras.moved', 'cameras.alarm video-loss', 'cameras.alarm-over video-loss', 'cameras.input door'],
  );
  assert.equal([rows[1]?.before, rows[1]?.after], [{ host: '192.0.2.1' }, { host: '192.0.2.9' }]);
});

test('a row that cannot be written stops nothing and is told in the log of the machine', async () => {
  const log = new TestLog();
  cameraRows({ append: () => Promise.reject(new RangeError('full')) }, log)({ kind: 'appeared', channel: 'cam-1' });
  await new Promise((resolve) => setImmediate(resolve));
  assert.match(JSON.stringify(log), 'could not be written');
});

test.run();
