// runner: limit 120s
/** Somebody guesses the verification code and has all the time in the world, and the mains switch. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { newScalar, proverShare } from '../../agent/contract/spake2plus.js';
import { newId, toBase64url, utf8 } from '../../agent/contract/text.js';
import { topics } from '../../agent/contract/topics.js';
import { AgentError } from '../../agent/kernel/errors.js';
import { TRIES_PER_PRESS, waitMs } from '../../agent/pairing/window.js';
import { pair } from '../../scripts/portal/client/pair.js';
import { Eyes } from '../support/eyes.js';
import { TENANT } from '../support/people.js';
import { until } from '../support/until.js';
import { derive, knock, makeRig, newOwner, otherCode, type PairingRig } from '../unit/agent/pairing/pairing-rig.js';
import { codeOf, openUnowned, triesOnDisk, type Unowned } from './attack-rig.js';

const HOUR_MS = 3_600_000;

interface Refused {
  readonly code: string;
  readonly retryS: number;
  readonly left: unknown;
}

/** What one guess told the guesser. */
async function refusal(guess: Promise<unknown>): Promise<Refused> {
  try {
    await guess;
    return { code: 'paired', retryS: 0, left: undefined };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return { code: error.code, retryS: Number(error.detail.retryS ?? 0), left: error.detail.left };
  }
}

const schedule = suite('Online guessing with power cuts');

/** A day at one recorder: waits as told, cuts the power after each third try and whenever that could open the window again. */
async function besiege(rig: PairingRig, code: string): Promise<{ guesses: number; last: string }> {
  let guesses = 0;
  let last = '';
  const startMs = rig.clock.monotonicMs();
  while (rig.clock.monotonicMs() - startMs < 24 * HOUR_MS && last !== 'pairing.locked') {
    const told = await refusal(knock(rig, otherCode(code)));
    last = told.code;
    if (told.code === 'paired') assert.unreachable('a wrong code paired');
    if (told.code === 'pairing.wrong_code') guesses += 1;
    if (told.code === 'pairing.closed' || (told.code === 'pairing.wrong_code' && guesses % 3 === 0)) await rig.restart();
    // Cutting the power and starting again takes a minute of the guesser's time.
    await rig.clock.advance(Math.max(told.retryS, 60) * 1_000);
  }
  return { guesses, last };
}

schedule('Online guessing with power cuts: a day of it is 20 guesses at most, and the waits between 20 last 8 hours', async () => {
  const rig = await makeRig();
  try {
    const { guesses, last } = await besiege(rig, await rig.arm());
    assert.ok(guesses > 3 && guesses <= TRIES_PER_PRESS, `${guesses} guesses`);
    assert.match(last, /^pairing\.(wait|locked|closed)$/);
    assert.is(rig.installed.length, 0);
  } finally {
    await rig.stop();
  }
  assert.is(TRIES_PER_PRESS, 20);
  const forcedMs = Array.from({ length: TRIES_PER_PRESS }, (_, fails) => waitMs(fails)).reduce((sum, one) => sum + one, 0);
  assert.ok(forcedMs >= 8 * HOUR_MS, `${forcedMs / HOUR_MS} h`);
});

schedule('Online guessing with power cuts: after 20 tries the right code is refused too, until somebody presses the button', async () => {
  const rig = await makeRig();
  try {
    const code = await rig.arm();
    const path = join(rig.folder, 'pairing.json');
    const record = JSON.parse(await readFile(path, 'utf8')) as { fails: Record<string, number> };
    await writeFile(path, JSON.stringify({ ...record, fails: { ...record.fails, relay: TRIES_PER_PRESS } }));
    for (let start = 0; start < 3; start += 1) {
      await rig.restart();
      await rig.clock.advance(14 * 60_000);
      assert.is(await codeOf(knock(rig, code)), 'pairing.locked');
    }
    const fresh = await rig.press();
    await (await knock(rig, fresh)).finish(await newOwner());
    assert.is(rig.installed.length, 1);
  } finally {
    await rig.stop();
  }
});

schedule.run();

const live = suite<{ site: Unowned; eyes: Eyes }>('a running recorder');

live.before(async (world) => {
  world.site = await openUnowned((folder) => {
    world.eyes = new Eyes(folder);
    return { ...world.eyes.start, args: [] };
  });
});

live.after(({ site }) => site?.close());

const WRONG = 'K7MPX2QRT';

const guess = ({ transport, agent }: Unowned, code = WRONG): Promise<Refused> =>
  refusal(pair({ transport, scope: { tenant: TENANT, serial: agent.serial }, code, derive }));

live(
  'Online guessing with power cuts: the count is on the disk before any answer leaves, and a power cut takes none back',
  async (world) => {
    const { site, eyes } = world;
    for (let tries = 1; tries <= 3; tries += 1) {
      assert.equal(await guess(site), { code: 'pairing.wrong_code', retryS: 0, left: 20 - tries });
      assert.is((await triesOnDisk(site.state)).relay, tries);
    }
    const { seen } = eyes;
    const path = join(site.state, 'pairing.json');
    const answers = seen.flatMap((sight, at) => (sight.kind === 'answered' ? [at] : []));
    assert.is(answers.length, 3, 'the eyes see answers leave');
    for (const at of answers) {
      // new file fsync, rename over the old one, fsync of the folder: all since the answer before.
      const since = seen.slice(answers.filter((one) => one < at).at(-1) ?? 0, at);
      const renamed = since.findIndex((sight) => sight.kind === 'rename' && sight.path === path);
      assert.ok(renamed > 0, 'the count is written');
      assert.ok(since.slice(0, renamed).some((sight) => sight.kind === 'fsync' && sight.path.startsWith(path)));
      assert.ok(since.slice(renamed).some((sight) => sight.kind === 'fsync' && sight.path === site.state));
    }
    const cutMs = performance.now();
    await site.powerCut();
    const told = await guess(site);
    assert.equal([told.code, told.left], ['pairing.wait', 17]);
    // On a busy machine a part of it is over when the start is done.
    assert.ok(told.retryS + (performance.now() - cutMs) / 1_000 >= 3, 'the wait began anew with the start');
  },
);

/** Takes the recorder's answer to a try, which lets one code be tested, and never proves anything. */
async function peek(site: Unowned): Promise<string> {
  const scope = { tenant: TENANT, serial: site.agent.serial };
  const [sid, app] = [newId(), newId()];
  const answers: string[] = [];
  const stop = site.transport.onMessage((topic, payload) => {
    if (topic === topics.pairUp(scope, sid)) answers.push((JSON.parse(Buffer.from(payload).toString('utf8')) as { t: string }).t);
  });
  await site.transport.subscribe(topics.pairUp(scope, sid));
  const scalar = (): Uint8Array => newScalar(globalThis.crypto.getRandomValues(new Uint8Array(48)));
  const shareP = toBase64url(proverShare(scalar(), scalar()));
  await site.transport.publish(topics.pairDown(scope, sid), JSON.stringify({ t: 'pair.start', v: 1, sid, app, shareP }));
  const answer = await until('the recorder answers', () => answers[0]);
  stop();
  return answer;
}

live('Peek and abort: who takes the answer and hangs up has used a try, and it is on the disk', async ({ site }) => {
  await site.press();
  assert.equal(await triesOnDisk(site.state), { relay: 0, lan: 0 });
  for (let tries = 1; tries <= 3; tries += 1) {
    assert.is(await peek(site), 'pair.resp');
    assert.is((await triesOnDisk(site.state)).relay, tries);
  }
  assert.is(await peek(site), 'pair.err', 'a fourth must wait');
  assert.equal(await triesOnDisk(site.state), { relay: 3, lan: 0 });
});

/** Processor time of a process so far, ms. */
async function cpuMs(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'latin1')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function shareOfProcessor({ agent }: Unowned, during: () => Promise<unknown>): Promise<number> {
  const [startMs, startCpuMs] = [performance.now(), await cpuMs(agent.pid)];
  await during();
  return ((await cpuMs(agent.pid)) - startCpuMs) / (performance.now() - startMs);
}

live('Flood of valid-looking pairing starts: a tenth of one processor at most, no stall, and the owner still gets in', async (world) => {
  const { site, eyes } = world;
  const scope = { tenant: TENANT, serial: site.agent.serial };
  const code = await site.press();
  const shareP = toBase64url(proverShare(utf8('w'.repeat(32)), utf8('x'.repeat(32))));
  const from = eyes.seen.length;
  // What the eyes themselves cost.
  const idleShare = await shareOfProcessor(site, () => new Promise((resolve) => setTimeout(resolve, 1_000)));
  let sent = 0;
  const share = await shareOfProcessor(site, async () => {
    for (let batch = 0; batch < 40; batch += 1) {
      const starts = Array.from({ length: 10 }, () => {
        const sid = newId();
        return site.transport.publish(topics.pairDown(scope, sid), JSON.stringify({ t: 'pair.start', v: 1, sid, app: newId(), shareP }));
      });
      await Promise.all(starts);
      sent += starts.length;
      await new Promise((resolve) => setTimeout(resolve, 75));
    }
  });
  assert.is(sent, 400);
  assert.ok(share - idleShare <= 0.1, `${Math.round(share * 100)} % of a processor, ${Math.round(idleShare * 100)} % without the flood`);
  const stalls = eyes.pulses(from).map(({ stallMs }) => stallMs);
  assert.ok(Math.max(...stalls) <= 100, `busy for ${Math.max(...stalls)} ms in one go`);
  assert.is((await site.status()).isPaired, false);
  assert.ok((await triesOnDisk(site.state)).relay <= 3);
  // It cost the flood's maker three tries; the person at the recorder presses again.
  assert.is.not(await site.press(), code);
  assert.equal(await triesOnDisk(site.state), { relay: 0, lan: 0 });
});

live.run();
