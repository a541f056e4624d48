import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Picture } from '../../../../agent/cameras/take-picture.js';
import { type CloudLink, NO_LINK } from '../../../../agent/cloud/link.js';
import { bookedLink } from '../../../../agent/compose/booked.js';
import { replyBy } from '../../../../agent/compose/cloud-side.js';
import { SnapshotDesk } from '../../../../agent/compose/snapshot.js';
import { parseShape } from '../../../../agent/contract/shapes.js';
import { PIECE_BYTES, PicturePiece, Snapshot } from '../../../../agent/contract/snapshot.js';
import { concatBytes, fromBase64url } from '../../../../agent/contract/text.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import type { Ledger } from '../../../../agent/ledger/ledger.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';
import { until } from '../../../support/until.js';
import { type Desk, gate, LAN, openDesk } from '../cloud/desk-rig.js';

const it = suite('snapshot');
const CAM = { cam: 'cam-1' };
const BYTES = Uint8Array.from({ length: 2 * PIECE_BYTES + 100 }, (_unused, at) => (at * 7) % 251);
const PICTURE: Picture = { bytes: BYTES, width: 640, height: 360 };

interface World {
  readonly desk: Desk;
  readonly snapshots: SnapshotDesk;
  /** Cameras that were asked, in order. */
  readonly asked: string[];
}

/** A desk whose cameras answer with `take`. */
async function openWorld(take: (signal: AbortSignal | undefined) => Promise<Picture> = async () => PICTURE): Promise<World> {
  const asked: string[] = [];
  let snapshots: SnapshotDesk | undefined;
  const desk = await openDesk(({ clock }) => {
    snapshots = new SnapshotDesk({
      cameras: {
        picture: (cam, signal) => {
          asked.push(cam);
          return take(signal);
        },
      },
      organisationName: () => 'Example Security',
      clock,
    });
    return snapshots.handlers();
  });
  if (snapshots === undefined) throw new RangeError('no desk');
  return { desk, snapshots, asked };
}

const piecesOf = (desk: Desk): Promise<PicturePiece[]> =>
  Promise.all(desk.shown.map(async (letter) => parseShape(PicturePiece, (await desk.open(letter)).body)));
const resultRow = (desk: Desk) => desk.rows.find(({ phase }) => phase === 'result');

it('comes in pieces, each a sealed letter of its own that the relay takes; the answer holds no picture and is not kept', async () => {
  const { desk } = await openWorld();
  const grant = await desk.give();
  const { error, body } = await desk.ask('cameras.snapshot', CAM, await newSigningKey(), { grant: grant.id });
  assert.is(error, null);
  const answer = parseShape(Snapshot, body);
  assert.is(answer.watermark, 'Dana K · Example Security');
  assert.equal([answer.pieces, answer.bytes, answer.width, answer.height], [3, BYTES.length, 640, 360]);
  const pieces = await piecesOf(desk);
  assert.equal(
    pieces.map(({ piece, pieces: all }) => [piece, all]),
    [
      [0, 3],
      [1, 3],
      [2, 3],
    ],
  );
  assert.equal(concatBytes(...pieces.map(({ data }) => fromBase64url(data))), BYTES);
  assert.ok(desk.shown.every((letter) => letter.length < 65_536));
  assert.equal(desk.kept, [false], 'a picture of before is not delivered later');
  const { action, scope, channel, bytes, result } = resultRow(desk) ?? {};
  assert.equal([action, scope, channel, bytes, result], ['cameras.snapshot', 'live-view', 'cam-1', BYTES.length, 'ok']);
  assert.is(desk.rows[0]?.phase, 'intent', 'written down before the camera is asked');
});

it('without the permission to watch no camera is asked, whatever else is allowed', async () => {
  const { desk, asked } = await openWorld();
  const grant = await desk.give({ scopes: ['site-information', 'remote-configuration', 'ptz', 'health'] });
  const other = await desk.give({ cams: ['cam-2'] });
  const person = await newSigningKey();
  for (const [id, code] of [
    [grant.id, 'permissions.no_scope'],
    [other.id, 'permissions.other_camera'],
  ] as const) {
    assert.is((await desk.ask('cameras.snapshot', CAM, person, { grant: id })).error?.code, code);
  }
  assert.equal([asked, desk.shown], [[], []]);
  assert.equal(
    desk.rows.map(({ action, result }) => [action, result]),
    [
      ['cameras.snapshot', 'refused'],
      ['cameras.snapshot', 'refused'],
    ],
  );
});

it('a withdrawal while the camera is asked: the camera is given up, no piece leaves, and the answer is the denial', async () => {
  const begun = gate();
  const { desk } = await openWorld((signal) => {
    begun.open();
    return new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(new AgentError({ code: 'cameras.cancelled', say: 'Given up.', fix: '' })));
    });
  });
  const grant = await desk.give();
  const asking = desk.ask('cameras.snapshot', CAM, await newSigningKey(), { grant: grant.id });
  await begun.passed;
  await desk.permissions.withdraw(await desk.withdraw([grant.id]));
  assert.is((await asking).error?.code, 'permissions.withdrawn');
  assert.equal(desk.shown, []);
});

it('a camera that answers all the same after the withdrawal: no piece leaves', async () => {
  const [begun, answered] = [gate(), gate()];
  const { desk } = await openWorld(async () => {
    begun.open();
    await answered.passed;
    return PICTURE;
  });
  const grant = await desk.give();
  const asking = desk.ask('cameras.snapshot', CAM, await newSigningKey(), { grant: grant.id });
  await begun.passed;
  await desk.permissions.withdraw(await desk.withdraw([grant.id]));
  answered.open();
  assert.is((await asking).error?.code, 'permissions.withdrawn');
  assert.equal(desk.shown, []);
});

it('a withdrawal while a sealed piece waits for its turn: that piece stays, and the row tells how much had left', async () => {
  const [waiting, turn] = [gate(), gate()];
  const { desk } = await openWorld();
  desk.line = async () => {
    if (desk.shown.length < 1) return;
    waiting.open();
    await turn.passed;
  };
  const grant = await desk.give();
  const asking = desk.ask('cameras.snapshot', CAM, await newSigningKey(), { grant: grant.id });
  await waiting.passed;
  await desk.permissions.withdraw(await desk.withdraw([grant.id]));
  turn.open();
  assert.is((await asking).error?.code, 'permissions.withdrawn');
  assert.is(desk.shown.length, 1);
  assert.equal([resultRow(desk)?.bytes, resultRow(desk)?.result], [PIECE_BYTES, 'refused']);
});

it('one picture at a time per camera and few together; many in a row have to wait, and the owner is not held up by others', async () => {
  const answered = gate();
  const { desk, asked } = await openWorld(async () => {
    await answered.passed;
    return PICTURE;
  });
  const grant = await desk.give();
  const person = await newSigningKey();
  const ask = (cam: string, as = person) => desk.ask('cameras.snapshot', { cam }, as, as === desk.owner ? undefined : { grant: grant.id });
  const busy = [];
  for (const cam of ['cam-1', 'cam-2', 'cam-3', 'cam-4']) {
    busy.push(ask(cam));
    await until('the camera is asked', () => asked.length === busy.length);
    if (cam === 'cam-1') assert.is((await ask(cam)).error?.code, 'cameras.too_many_pictures');
  }
  assert.is((await ask('cam-5')).error?.code, 'cameras.too_many_pictures');
  answered.open();
  assert.equal((await Promise.all(busy)).filter(({ error }) => error === null).length, 4);
  assert.equal(asked, ['cam-1', 'cam-2', 'cam-3', 'cam-4']);
  const codes = [];
  for (let turn = 0; turn < 3; turn += 1) codes.push((await ask('cam-1')).error?.code);
  assert.equal(codes, [undefined, undefined, 'cameras.too_many_pictures'], 'eight at once');
  assert.is((await ask('cam-1', desk.owner)).error, null);
  await desk.clock.advance(2_000);
  assert.is((await ask('cam-1')).error, null, 'one more after 2 s');
});

it('a picture counts as looking for a minute', async () => {
  const { desk, snapshots } = await openWorld();
  await desk.ask('cameras.snapshot', CAM, desk.owner);
  assert.equal(
    snapshots.recent().map(({ kid }) => kid),
    [desk.owner.signer.kid],
  );
  await desk.clock.advance(60_000);
  assert.equal(snapshots.recent(), []);
});

it('what leaves is booked as a picture in the tick in which it leaves; what waits and is refused then is not', async () => {
  const booked: string[] = [];
  const ledger = {
    ask: (what: string, to: string) => booked.push(`ask ${what} ${to}`),
    book: (what: string, to: string, bytes: number) => booked.push(`${what} ${to} ${bytes}`),
  } as unknown as Ledger;
  const sent: string[] = [];
  const link: CloudLink = {
    ...NO_LINK,
    isOnline: true,
    publish: async (topic, _payload, options) => {
      await Promise.resolve();
      options?.mayShow?.();
      sent.push(topic);
    },
  };
  const own = bookedLink(link, ledger);
  await own.publish('up', 'abc', { mayShow: () => booked.push('judged') });
  assert.equal(booked.splice(0), ['judged', 'ask media relay', 'media relay 5']);
  const refused = own.publish('up', 'abc', {
    mayShow: () => {
      throw new AgentError({ code: 'permissions.withdrawn', say: 'x', fix: 'x' });
    },
  });
  assert.is(await refused.catch((error: AgentError) => error.code), 'permissions.withdrawn');
  assert.equal([booked, sent], [[], ['up']]);
});

it('over the local network: a piece that nobody took has not left; the row says so, and it does not count as looking', async () => {
  const { desk, snapshots } = await openWorld();
  let isThere = true;
  const reply = replyBy({
    ...({ stores: {}, clock: desk.clock } as unknown as Pick<Parameters<typeof replyBy>[0], 'stores' | 'clock'>),
    scope: { tenant: 'main', serial: 'SN4F2K7Q9D' },
    link: () => NO_LINK,
    toLan: (_topic, _payload, mayShow) => {
      mayShow?.();
      return isThere;
    },
  });
  let pieces = 0;
  desk.line = async () => {
    // Gone after the first piece.
    isThere = pieces < 1;
    await reply('id', 'letter', false, LAN, () => undefined);
    pieces += 1;
  };
  const { error } = await desk.ask('cameras.snapshot', CAM, desk.owner, undefined, LAN);
  assert.is(error?.code, 'lan.gone');
  assert.equal([resultRow(desk)?.bytes, resultRow(desk)?.result, pieces], [PIECE_BYTES, 'failed', 1]);
  pieces = 1;
  await desk.clock.advance(60_000);
  await desk.ask('cameras.snapshot', CAM, desk.owner, undefined, LAN);
  assert.equal([desk.rows.at(-1)?.bytes, desk.rows.at(-1)?.result, snapshots.recent()], [0, 'failed', []]);
  await reply('id', 'letter', false, LAN);
  assert.is(
    await reply('id', 'letter', false, { source: 'relay' }, () => undefined).catch((refused: AgentError) => refused.code),
    'cloud.none',
  );
});

it.run();
