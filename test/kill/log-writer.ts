/** Child process of operation-log.test.ts: appends rows as fast as it can and prints each seq once it was told that it is durable. */
import { writeSync } from 'node:fs';
import { openLog } from '../unit/agent/operation-log/open-log.js';

const [folder = '', bootId = ''] = process.argv.slice(2);
const { service } = await openLog(folder, { bootId });
const person = { name: 'Dana K', email: 'dana@installer.example' };

async function actAgain(lane: number): Promise<never> {
  for (let n = 0; ; n += 1) {
    const intent = await service.intent(
      { action: 'config.apply', source: 'relay', actor: 'employee', channel: `cam-${lane}`, after: { n } },
      person,
    );
    // Written at once, not through a stream: what is printed is what was acknowledged before the kill.
    writeSync(1, `${intent.seq}\n`);
    const done = await service.result(intent, { result: 'ok' });
    writeSync(1, `${done.seq}\n`);
  }
}

await Promise.all([1, 2, 3].map(actAgain));
