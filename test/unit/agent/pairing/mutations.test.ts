// runner: limit 120s
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseGuarded } from '../../../../agent/contract/guard.js';
import { PairRequest } from '../../../../agent/contract/pairing.js';
import { parseShape } from '../../../../agent/contract/shapes.js';
import type { Identities, SharedKeys } from '../../../../agent/contract/spake2plus.js';
import { fromBase64url, newId, toBase64url } from '../../../../agent/contract/text.js';
import { CodeFile, type CodeMemory } from '../../../../agent/pairing/code-file.js';
import type { PairingParts, Spake, SpakeAnswer, SpakeSlot } from '../../../../agent/pairing/ports.js';
import { PairingService } from '../../../../agent/pairing/service.js';
import type { PairingWay } from '../../../../agent/pairing/window.js';
import { newSigningKey, type SigningKey } from '../../../../scripts/portal/client/keys.js';
import { TestLog } from '../../../support/test-log.js';
import { VirtualClock } from '../../../support/virtual-clock.js';
import { exchangeByHand, finByHand, type HandExchange, respell } from './hand-app.js';
import { InlineSpake } from './inline-spake.js';
import { makeRig, OPERATOR, SCOPE } from './pairing-rig.js';

type RequestOf<Kind extends PairRequest['t']> = Extract<PairRequest, { t: Kind }>;

/** One whole pairing as a relay recorded it, and a second one with the same code. */
interface Recorded {
  readonly memory: CodeMemory;
  readonly device: SigningKey;
  readonly exchange: HandExchange;
  readonly messages: readonly [hello: PairRequest, start: RequestOf<'pair.start'>, fin: RequestOf<'pair.fin'>];
  readonly otherFin: RequestOf<'pair.fin'>;
}

async function record(): Promise<Recorded> {
  const rig = await makeRig();
  const code = await rig.press();
  const [exchange, other] = [await exchangeByHand(rig, code), await exchangeByHand(rig, code)];
  const hello = { t: 'pair.hello', v: 1, sid: exchange.sid, app: exchange.app } as const;
  const owner = await newSigningKey();
  const [fin, otherFin] = [await finByHand(exchange, owner), await finByHand(other, owner)];
  const memory = await rig.codeFile.load();
  await rig.stop();
  return { memory, device: rig.device, exchange, messages: [hello, exchange.start, fin], otherFin };
}

/** The disk of a recorder that forgives everything: what is looked for here is acceptance, not the count. */
class MemoryCodeFile extends CodeFile {
  readonly #memory: CodeMemory;

  constructor(memory: CodeMemory) {
    super('');
    this.#memory = memory;
  }

  override async load(): Promise<CodeMemory> {
    return this.#memory;
  }

  override async save(): Promise<void> {}
}

/**
 * The recorder's computation without computing: the recorded answer for exactly what was recorded and once (a recorder draws a new scalar each
 * time), other keys for everything else. That another transcript gives other keys is spake2plus.test.ts's to show; 200 runs below compute.
 */
class RecordedSpake implements Spake {
  readonly #exchange: HandExchange;
  #isUsed = false;

  constructor(exchange: HandExchange) {
    this.#exchange = exchange;
  }

  reserve(): SpakeSlot {
    return { respond: async (ids, _verifier, shareP) => this.#respond(ids, shareP), release: () => undefined };
  }

  async stop(): Promise<void> {}

  #respond(ids: Identities, shareP: Uint8Array): SpakeAnswer {
    const { app, start, resp, keys } = this.#exchange;
    const isRecorded = ids.prover === app && ids.verifier === SCOPE.serial && toBase64url(shareP) === start.shareP && !this.#isUsed;
    this.#isUsed ||= isRecorded;
    const otherKeys = Object.fromEntries(Object.keys(keys).map((name) => [name, new Uint8Array(randomBytes(32))])) as unknown as SharedKeys;
    return { shareV: fromBase64url(resp.shareV), keys: isRecorded ? keys : otherKeys };
  }
}

interface Recorder {
  readonly service: PairingService;
  readonly clock: VirtualClock;
  readonly installed: string[];
}

async function makeRecorder(recorded: Recorded, spake: Spake, serial = SCOPE.serial): Promise<Recorder> {
  const clock = new VirtualClock();
  const installed: string[] = [];
  const { signer, publicKey } = recorded.device;
  const parts: PairingParts = {
    serial,
    signer,
    deviceKey: publicKey,
    sealKey: publicKey,
    boot: newId(),
    operator: OPERATOR,
    codeFile: new MemoryCodeFile(recorded.memory),
    spake,
    isOwned: () => installed.length > 0,
    epoch: () => 1,
    install: async ({ kid }) => void installed.push(kid),
    join: async ({ kid }) => void installed.push(kid),
    onTry: () => undefined,
    clock,
    log: new TestLog(),
  };
  const service = new PairingService(parts);
  await service.start();
  return { service, clock, installed };
}

/** A step of an attack: a message as text, on a way, after some time. */
interface Step {
  readonly text: string;
  readonly way?: PairingWay;
  readonly afterMs?: number;
}

/** Plays the steps; what is no message at all is refused before pairing sees it. */
async function play({ service, clock }: Recorder, steps: readonly Step[]): Promise<string[]> {
  const answers: string[] = [];
  for (const { text, way = 'relay', afterMs = 0 } of steps) {
    if (afterMs > 0) await clock.advance(afterMs);
    let request: PairRequest;
    try {
      request = parseShape(PairRequest, parseGuarded(text));
    } catch {
      answers.push('no message');
      continue;
    }
    const answer = await service.handle(request, way);
    answers.push(answer.t === 'pair.err' ? answer.code : answer.t);
  }
  return answers;
}

const recorded = await record();
const texts = recorded.messages.map((message) => JSON.stringify(message)) as [string, string, string];
const [HELLO, START, FIN] = texts;
const which = fc.constantFrom(1, 2);

const withText = (at: number, text: string): Step[] => texts.map((own, index) => ({ text: index === at ? text : own }));
const withFields = (at: number, fields: Record<string, unknown>): Step[] =>
  withText(at, JSON.stringify({ ...recorded.messages[at], ...fields }));
const base64urlOf = (length: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => toBase64url(bytes));

/** One byte of the message is another one. */
const otherByte = fc.record({ at: which, place: fc.nat(), flip: fc.integer({ min: 1, max: 127 }) }).map(({ at, place, flip }) => {
  const bytes = Buffer.from(texts[at] ?? '', 'utf8');
  const index = place % bytes.length;
  bytes[index] = (bytes[index] ?? 0) ^ flip;
  return withText(at, bytes.toString('utf8'));
});

/** One bit of what the base64url fields hold is another one; of the box in one of two runs, because it says who becomes the owner. */
const otherBit = fc
  .record({ field: fc.constantFrom('box', 'box', 'confirmP', 'shareP'), place: fc.nat(), bit: fc.integer({ min: 0, max: 7 }) })
  .map(({ field, place, bit }) => {
    const at = field === 'shareP' ? 1 : 2;
    const bytes = fromBase64url((recorded.messages[at] as unknown as Record<string, string>)[field] ?? '');
    const index = place % bytes.length;
    bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
    return withFields(at, { [field]: toBase64url(bytes) });
  });

/** Cut off, or with something behind it. */
const otherLength = fc
  .record({
    field: fc.constantFrom('box', 'confirmP', 'shareP', 'sid'),
    cut: fc.integer({ min: 1, max: 60 }),
    tail: base64urlOf(3),
    adds: fc.boolean(),
  })
  .map(({ field, cut, tail, adds }) => {
    const at = field === 'shareP' ? 1 : 2;
    const text = (recorded.messages[at] as unknown as Record<string, string>)[field] ?? '';
    return withFields(at, { [field]: adds ? text + tail : text.slice(0, -cut) });
  });

/** A field of another exchange, of another message, or made up. */
const otherField: fc.Arbitrary<Step[]> = fc.oneof(
  base64urlOf(16).map((sid) => withFields(2, { sid })),
  base64urlOf(16).map((sid) => withFields(1, { sid })),
  base64urlOf(16).map((app) => withFields(1, { app })),
  base64urlOf(32).map((confirmP) => withFields(2, { confirmP })),
  fc.constant(withFields(2, { confirmP: recorded.exchange.resp.confirmV })),
  fc.constant(withFields(1, { shareP: recorded.exchange.resp.shareV })),
  fc.constant(withFields(2, { confirmP: recorded.otherFin.confirmP })),
  fc.constant(withFields(2, { box: recorded.otherFin.box })),
  fc.constant(withFields(2, { sid: recorded.otherFin.sid, box: recorded.otherFin.box })),
  fc.constant(withFields(2, { confirmP: respell(recorded.messages[2].confirmP) })),
  fc.constant(withFields(1, { shareP: respell(recorded.messages[1].shareP) })),
  fc.constantFrom('role', 'admin', 'purpose', '__proto__').map((name) => withFields(2, { [name]: 'own' })),
);

/** The true messages in an order, number, time or way that is not the true one. */
const otherOrder: fc.Arbitrary<Step[]> = fc
  .array(fc.record({ at: fc.nat(2), way: fc.constantFrom<PairingWay>('relay', 'lan'), isLate: fc.boolean() }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((steps) => steps.map(({ at, way, isLate }) => ({ text: texts[at] ?? '', way, afterMs: isLate ? 600_000 : 0 })))
  .filter((steps) => !mayBeTrue(steps));

/** Whether a start is followed in time, and first, by its fin on the same way: that is the true pairing, with other messages around it. */
function mayBeTrue(steps: readonly Step[]): boolean {
  const firstStart = steps.findIndex(({ text }) => text === START);
  if (firstStart < 0) return false;
  const fin = steps.findIndex(({ text }, at) => at > firstStart && text === FIN);
  const between = steps.slice(firstStart + 1, fin + 1);
  return fin > 0 && steps[fin]?.way === steps[firstStart]?.way && between.every(({ afterMs = 0 }) => afterMs === 0);
}

const attack = fc.oneof(otherByte, otherBit, otherLength, otherField, otherOrder);
/** Replacing a byte may spell the same message: then nothing was changed. */
const isChanged = (steps: readonly Step[]): boolean => {
  if (steps.length !== 3 || steps.some(({ way = 'relay', afterMs = 0 }) => way !== 'relay' || afterMs > 0)) return true;
  return steps.some(({ text }, at) => text !== texts[at]);
};

test('0 of 10,000 changed, reordered, delayed or replayed messages make an owner', async () => {
  let played = 0;
  let isFinReached = 0;
  await fc.assert(
    fc.asyncProperty(attack, async (steps) => {
      fc.pre(isChanged(steps));
      const recorder = await makeRecorder(recorded, new RecordedSpake(recorded.exchange));
      const answers = await play(recorder, steps);
      played += 1;
      if (answers.includes('pair.resp')) isFinReached += 1;
      assert.is(recorder.installed.length, 0, JSON.stringify(answers));
      assert.not.ok(answers.includes('pair.done'));
    }),
    { numRuns: 10_000, maxSkipsPerRun: 10 },
  );
  assert.is(played, 10_000);
  assert.ok(isFinReached > 6_000, `${isFinReached} of them got as far as a live exchange`);
  const recorder = await makeRecorder(recorded, new RecordedSpake(recorded.exchange));
  assert.equal(await play(recorder, withText(0, HELLO)), ['pair.params', 'pair.resp', 'pair.done'], 'unchanged it is taken');
  assert.is(recorder.installed.length, 1);
  for (const steps of [withText(0, HELLO), withText(0, FIN)]) await play(recorder, steps);
  assert.is(recorder.installed.length, 1, 'and taken once');
});

test('a recorded pairing played to the recorder again, or to another one, with the computation done in full: 0 of 200', async () => {
  for (let run = 0; run < 200; run += 1) {
    const serial = run % 4 === 0 ? 'SN4F2K7Q9E' : SCOPE.serial;
    const recorder = await makeRecorder(recorded, new InlineSpake(), serial);
    const answers = await play(recorder, withText(0, HELLO));
    assert.equal(answers, ['pair.params', 'pair.resp', 'pairing.wrong_code']);
    assert.is(recorder.installed.length, 0);
  }
});

test.run();
