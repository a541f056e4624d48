// runner: limit 900s
/** The whole agent is killed while the owner acts: what the owner was told to be done stands in the log, and the log verifies. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AgentError } from '../../agent/kernel/errors.js';
import { asJson, rowsOf } from '../journeys/log-rig.js';
import { openSite, type Site } from '../support/site.js';
import { until } from '../support/until.js';

const CYCLES = Math.max(3, Math.round(Number(process.env.KILL_CYCLES ?? 20) / 6));
const test = suite<{ site: Site }>('killed agent, its log');

test.before(async (world) => {
  world.site = await openSite({ cameras: [] });
});
test.after(async ({ site }) => {
  await site?.close();
});

/** Acts one after another until the recorder is gone; adds the instants that it confirmed. */
async function actUntilKilled(site: Site, from: number, confirmed: number[]): Promise<void> {
  for (let at = from; ; at += 1) {
    try {
      await site.owner.client.call('owner.tell-time', { at }, { timeoutMs: 1_500 });
      confirmed.push(at);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      if (error.code === 'command.too_many') continue;
      return;
    }
  }
}

test(`kill -9 while the owner acts, ${CYCLES} times: every act that was confirmed is in the log, every row verifies`, async ({ site }) => {
  const confirmed: number[] = [];
  let from = Date.now();
  for (let cycle = 0; cycle < CYCLES; cycle += 1) {
    const before = confirmed.length;
    const acting = actUntilKilled(site, from, confirmed);
    await until('an act was confirmed', () => confirmed.length > before);
    // The moment is what is tried: another one each time, with acts under way.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 400));
    await site.agent.kill();
    await acting;
    from += 1_000;
    const report = await asJson<{ problem: { say: string } | null }>(site.state, 'log', 'verify');
    assert.is(report.problem, null, report.problem?.say);
    await site.restart();
    const { boot } =
      (await until('it is back', () => (site.owner.client.status?.state === 'online' ? site.owner.client.status : undefined))) ?? {};
    assert.ok(boot !== undefined);
  }
  const rows = await rowsOf(site.state, '--action', 'owner.tell-time');
  const written = new Set(rows.filter(({ result }) => result === 'ok').map(({ change }) => change?.after?.at));
  assert.ok(confirmed.length >= CYCLES, `${confirmed.length} acts were confirmed`);
  assert.equal(
    confirmed.filter((at) => !written.has(at)),
    [],
  );
  const begun = rows.filter(({ phase }) => phase === 'intent').length;
  const ended = rows.filter(({ phase }) => phase === 'result').length;
  assert.is(ended, begun, 'what was under way has an end too');
  for (const { person } of rows) assert.is(person?.name, 'Olivia Example', 'also where the next run wrote the end');
  assert.equal(await rowsOf(site.state, '--action', 'security.'), []);
});

test.run();
