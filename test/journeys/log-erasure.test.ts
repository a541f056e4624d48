// runner: limit 180s
/** Somebody asks what the recorder knows about her, and to be forgotten: as a new user would do it, on a log with 50 000 rows. */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../agent/kernel/clock.js';
import { AgentError } from '../../agent/kernel/errors.js';
import { createLog } from '../../agent/kernel/log.js';
import type { AppendBatch } from '../../agent/operation-log/ports.js';
import { OperationLogService } from '../../agent/operation-log/service.js';
import { Database } from '../../agent/store/database.js';
import { LOG_MIGRATIONS } from '../../agent/store/migrations.js';
import { OperationLogStore } from '../../agent/store/operation-log-store.js';
import { RecorderClient } from '../../scripts/portal/client/recorder-client.js';
import { MqttTransport } from '../support/mqtt-transport.js';
import { TENANT, TestEmployee } from '../support/people.js';
import { openSite, type Site } from '../support/site.js';
import { until } from '../support/until.js';
import { asJson, linesOf, rowsOf, sightline, verifyFile } from './log-rig.js';

interface World {
  site: Site;
  transport: MqttTransport;
  installer: RecorderClient;
  /** Rows in which Dana acts. */
  own: number;
}

const test = suite<World>('log erasure');
const DANA = { name: 'Dana Ödegård-Kowalczyk', email: 'dana.kowalczyk@example.org' };
const MILO = { name: 'Milo Example', email: 'milo@example.org' };
const ROWS = 50_000;
const PEOPLE = 25;

/** Keeps the rows that the log has made until there are many of them, and stores those by two statements instead of two each. */
class BulkStore extends OperationLogStore {
  readonly #database: Database;
  #rows: AppendBatch['rows'][number][] = [];
  isBulk = true;

  constructor(database: Database) {
    super(database);
    this.#database = database;
  }

  override async append(batch: AppendBatch): Promise<void> {
    await super.append(this.isBulk ? { ...batch, rows: [] } : batch);
    if (this.isBulk) this.#rows.push(...batch.rows);
  }

  async flush(): Promise<void> {
    this.isBulk = false;
    const hex = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'));
    const entries = this.#rows.map(({ seq, body, leaf, head }) => [seq, body, hex(leaf), hex(head)]);
    const details = this.#rows.flatMap(({ seq, detail }) => (detail === null ? [] : [[seq, hex(detail.salt), detail.json]]));
    this.#rows = [];
    const at = (index: number): string => `value->>${index}`;
    await this.#database.write(async (tx) => {
      const entry = `${at(0)}, ${at(1)}, unhex(${at(2)}), unhex(${at(3)})`;
      await tx.run(`INSERT INTO entry(seq, body, leaf, head) SELECT ${entry} FROM json_each(?)`, [JSON.stringify(entries)]);
      const detail = `${at(0)}, unhex(${at(1)}), ${at(2)}`;
      await tx.run(`INSERT INTO private_detail(seq, salt, json) SELECT ${detail} FROM json_each(?)`, [JSON.stringify(details)]);
    });
  }
}

/** Rows as a busy recorder has them after a year: a twenty-fifth by Dana, some of the others naming her. Nothing is signed: the agent will. */
async function fill(state: string, device: string): Promise<number> {
  const database = await Database.open({
    path: join(state, 'operation-log.db'),
    kind: 'durable',
    migrations: LOG_MIGRATIONS,
    clock: systemClock,
  });
  const refuse = () => Promise.reject(new RangeError('no key here'));
  const store = new BulkStore(database);
  const service = new OperationLogService({
    store,
    signer: { sign: refuse, open: refuse },
    clock: systemClock,
    log: createLog({ level: 'error', clock: systemClock, format: 'json', write: () => undefined }),
    device,
    version: 'test',
    bootId: 'AAAAAAAAAAAAAAAAAAAAAA',
    clockQuality: () => 'rtc',
    site: () => undefined,
  });
  const person = (n: number) => (n % PEOPLE === 3 ? DANA : { name: `Person ${n % PEOPLE}`, email: `person${n % PEOPLE}@example.org` });
  const row = { action: 'config.apply', phase: 'result', source: 'relay', actor: 'employee', result: 'ok' } as const;
  let own = 0;
  for (let at = 0; at < ROWS; at += 125) {
    // The last ones as always: with the line beside the log that names its end.
    if (at + 125 >= ROWS) await store.flush();
    await Promise.all(
      Array.from({ length: 125 }, (_, more) => {
        const n = at + more;
        if (n % PEOPLE === 3) own += 1;
        const after = n % 50 === 4 ? { note: `as agreed with ${DANA.name.toUpperCase()}`, n } : { n };
        return service.append({ ...row, channel: `cam-${(n % 16) + 1}`, after }, person(n));
      }),
    );
  }
  await database.close();
  return own;
}

test.before(async (world) => {
  world.site = await openSite({ cameras: [] });
  const { site } = world;
  await site.agent.stop();
  world.own = await fill(site.state, site.agent.serial);
  await site.restart();
  world.transport = new MqttTransport(site.broker.url);
  await world.transport.whenOnline();
  const dana = await TestEmployee.make('Example Alarms', DANA);
  const scope = { tenant: TENANT, serial: site.agent.serial };
  world.installer = new RecorderClient({ transport: world.transport, scope, identity: dana, deviceKey: null });
  await world.installer.start();
  await until('it is back', () => world.installer.status?.state === 'online');
  // She waits for an answer: her name stands beside the log as well.
  const wish = { org: dana.org, scopes: ['health'] as const, cams: null, durationMs: 3_600_000, note: `from ${DANA.name}` };
  await world.installer.call('permissions.apply', { ...wish, scopes: [...wish.scopes] });
  world.own += 2;
  // Copies from before an update of the agent.
  for (const name of ['operation-log.db.before-v2', 'state.db.before-v2']) await writeFile(join(site.state, name), `x${DANA.email}x`);
});

test.after(async ({ site, transport }) => {
  await transport?.close();
  await site?.close();
});

/** Files below the state folder that hold the name or the address in any usual writing. */
async function filesWith(state: string, { name, email }: typeof DANA): Promise<string[]> {
  const forms = [name, email].flatMap((text) => [text, text.toLowerCase(), text.toUpperCase()]);
  const needles = [...new Set(forms.flatMap((text) => [text.normalize('NFC'), text.normalize('NFD')]))];
  const found: string[] = [];
  for (const entry of await readdir(state, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(join(entry.parentPath, entry.name));
    if (needles.some((needle) => bytes.includes(needle))) found.push(entry.name);
  }
  return found.sort();
}

test('what does it know about me? everything in which she stands, as JSON Lines and as a table, and nobody else', async ({ site, own }) => {
  const { state, folder } = site;
  const found = (await sightline(state, 'log', 'people', '--find', 'kowalczyk')).stdout;
  assert.match(found, /^NAME +E-MAIL +REFERENCE\nDana Ödegård-Kowalczyk {2}dana\.kowalczyk@example\.org {2}[\w-]{22}\n$/);
  const [jsonl, csv] = [join(folder, 'dana.jsonl'), join(folder, 'dana.csv')];
  const made = await sightline(state, 'log', 'export', '--subject', DANA.email, '--out', jsonl);
  assert.is(made.code, 0, made.stderr);
  const lines = await linesOf<{ kind: string; how?: string; name?: string }>(jsonl);
  assert.equal([lines[0]?.kind, lines[0]?.name], ['person', DANA.name]);
  assert.is(lines.filter(({ how }) => how === 'acted').length, own);
  assert.is(lines.filter(({ how }) => how === 'named').length, ROWS / 50);
  assert.not.match(await readFile(jsonl, 'utf8'), /Person \d|Olivia/);
  assert.is((await sightline(state, 'log', 'export', '--subject', DANA.name, '--csv', '--out', csv)).code, 0);
  assert.is((await readFile(csv, 'utf8')).trimEnd().split('\r\n').length, lines.length, 'a head line in place of the first');
  assert.is((await stat(csv)).mode & 0o777, 0o600);
  const stranger = await sightline(state, 'log', 'export', '--subject', 'nobody@example.org');
  assert.equal([stranger.code, stranger.stdout], [1, '']);
  assert.match(stranger.stderr, /sightline log people/);
});

test('forget me: nothing without a yes; then within 5 s no byte of her is in any file, the log is whole, and a row says so', async (world) => {
  const { site } = world;
  const { state } = site;
  assert.ok((await filesWith(state, DANA)).length >= 4, 'the search finds what is there');
  const unasked = await sightline(state, 'log', 'erase', '--subject', DANA.email);
  assert.equal([unasked.code, unasked.stdout], [2, '']);
  const startedMs = performance.now();
  const erased = await sightline(state, 'log', 'erase', '--subject', DANA.email, '--yes');
  const tookMs = performance.now() - startedMs;
  assert.equal([erased.code, erased.stderr], [0, '']);
  assert.match(erased.stdout, /^Forgotten\. That it was done stands in row \d+ of the log\.\n$/);
  assert.equal(await filesWith(state, DANA), []);
  assert.ok(tookMs < 5_000, `${Math.round(tookMs)} ms`);
  const report = await asJson<{ isOk: boolean; rows: number; erasedDetails: number }>(state, 'log', 'verify');
  assert.ok(report.isOk && report.rows > ROWS);
  assert.is(report.erasedDetails, ROWS / 50);
  const [tombstone] = (await rowsOf(state, '--action', 'log.subject_erased')).slice(-1);
  assert.equal([tombstone?.source, tombstone?.actor.kind, tombstone?.result], ['local', 'local', 'ok']);
  const declined = await rowsOf(state, '--action', 'permissions.decline');
  assert.is(declined.length, 1);
  assert.equal((await site.owner.client.call('permissions.list', {})).applications, []);
  const hers = await rowsOf(state, '--actor', tombstone?.object ?? '');
  assert.ok(hers.length >= world.own && hers.every(({ isPersonErased, person }) => isPersonErased && person === null));
  const file = join(site.folder, 'after.jsonl');
  await sightline(state, 'log', 'export', '--people', '--details', '--out', file);
  assert.is(verifyFile(file).isOk, true);
  assert.not.match(await readFile(file, 'utf8'), /kowalczyk/i);
  assert.is((await sightline(state, 'log', 'erase', '--subject', DANA.email, '--yes')).code, 1, 'nobody of that name any more');
});

test('the owner can do it from afar, but not forget herself', async ({ site }) => {
  const { client } = site.owner;
  const milo = await TestEmployee.make('Example Alarms', MILO);
  milo.grantId = await site.owner.grant(milo.org, ['site-information']);
  const transport = new MqttTransport(site.broker.url);
  await transport.whenOnline();
  const app = new RecorderClient({ transport, scope: { tenant: TENANT, serial: site.agent.serial }, identity: milo, deviceKey: null });
  await app.start();
  await app.call('site.get', {});
  await transport.close();
  const { people } = await client.call('log.people', { text: 'milo' });
  assert.equal(
    people.map(({ name }) => name),
    [MILO.name],
  );
  const { stillIn } = await client.call('log.erase', { ref: people[0]?.ref ?? '' });
  assert.equal(stillIn, []);
  assert.equal(await filesWith(site.state, MILO), []);
  const rows = await rowsOf(site.state, '--action', 'log.erase');
  assert.equal(
    rows.map(({ phase, person }) => [phase, person?.name]),
    [
      ['intent', 'Olivia Example'],
      ['result', 'Olivia Example'],
    ],
  );
  const [olivia] = (await client.call('log.people', { text: 'olivia' })).people;
  const refused = await client.call('log.erase', { ref: olivia?.ref ?? '' }).catch((error: AgentError) => error);
  assert.ok(refused instanceof AgentError && refused.code === 'log.subject_is_owner');
  const many = await client.call('log.people', { text: '' });
  assert.is(many.people.length, PEOPLE, 'the others, and herself');
});

test.run();
