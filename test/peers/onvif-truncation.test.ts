/** Every answer of the test camera, broken off at every place: always a typed fault, never a reading of half an answer. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readAnswer } from '../../drivers/onvif/answer.js';
import { parseXml } from '../../drivers/onvif/soap.js';
import type { XmlReader } from '../../drivers/onvif/xml-reader.js';
import { DriverError } from '../../drivers/port.js';
import { createDevice } from './onvif-camera/camera-device.js';
import { answerOperation, type Call } from './onvif-camera/operation.js';
import { readSoap, SoapFault, writeFault, writeSoap } from './onvif-camera/soap.js';
import { CALLS } from './onvif-camera-calls.js';
import { makeEnvelope, type ServiceName } from './onvif-camera-client.js';

const reader: XmlReader = { parse: parseXml };
const { signal } = new AbortController();

interface Captured {
  readonly name: string;
  readonly text: string;
  readonly status: number;
}

const call = (path: string): Call => ({
  baseUri: 'http://127.0.0.1:80',
  streamUri: (kind) => `rtsp://127.0.0.1/${kind}`,
  replayUri: (recording) => `rtsp://127.0.0.1/replay/${recording}`,
  now: Date.now(),
  path,
  header: undefined,
  onGone: () => undefined,
});

type Device = ReturnType<typeof createDevice>;

async function ask(device: Device, service: ServiceName, body: string): Promise<Captured | undefined> {
  const path = `/onvif/${service}_service`;
  const soap = readSoap(makeEnvelope(service, body));
  const faces = device.services.get(path) ?? [];
  const operation = faces.find(({ space }) => space === soap.space)?.operations[soap.operation];
  if (operation === undefined) return undefined;
  const name = soap.operation;
  try {
    const answer = await answerOperation(operation, soap.body, call(path));
    return { name, text: writeSoap(answer, operation.header?.(call(path))), status: 200 };
  } catch (error) {
    if (!(error instanceof SoapFault)) throw error;
    return { name, text: writeFault(error), status: 400 };
  }
}

/** One of each: the first answer and the first fault of every operation. */
async function capture(): Promise<readonly Captured[]> {
  const device = createDevice({ backchannel: true }, { reboot: () => undefined, ports: () => ({ http: 80, rtsp: 554 }) });
  const kept = new Map<string, Captured>();
  for (const [service, body] of CALLS) {
    const captured = await ask(device, service, body);
    if (captured === undefined) continue;
    const key = `${service} ${captured.name} ${captured.status}`;
    if (!kept.has(key)) kept.set(key, captured);
  }
  device.stop();
  return [...kept.values()];
}

async function outcome({ name, status }: Captured, bytes: Buffer): Promise<string> {
  const answer = { status, bytes, mediaType: 'application/soap+xml', challenges: [], dateAt: undefined };
  return readAnswer(name, answer, reader, signal).then(
    () => 'read',
    (error: unknown) => (error instanceof DriverError ? error.code : String(error)),
  );
}

/** Places to break off at: the end of every tag and of every text, because nothing else changes what a parser makes of it; and one inside each. */
function places(whole: Buffer): readonly number[] {
  const found = new Set<number>([1]);
  for (let at = 0; at < whole.byteLength; at += 1) {
    if (whole[at] === 0x3c) for (const place of [at, at + 1, at + 2]) found.add(place);
    if (whole[at] === 0x3e) for (const place of [at, at + 1]) found.add(place);
  }
  return [...found].filter((place) => place < whole.byteLength);
}

test('broken off anywhere, each is a typed fault', async () => {
  const captured = await capture();
  assert.ok(captured.length > 130, `${captured.length} answers`);
  const wrong: string[] = [];
  let tried = 0;
  for (const one of captured) {
    const whole = Buffer.from(one.text, 'utf8');
    const all = places(whole);
    // The largest have hundreds of rows alike: of their places each third is enough.
    const stride = all.length > 300 ? 3 : 1;
    for (let at = 0; at < all.length; at += stride) {
      const length = all[at] ?? 0;
      const found = await outcome(one, whole.subarray(0, length));
      tried += 1;
      if (found !== 'camera.bad_answer' && found !== 'camera.not_onvif') wrong.push(`${one.name} after ${length} bytes: ${found}`);
    }
    const complete = await outcome(one, whole);
    const isFault = one.status !== 200;
    if ((complete === 'read') === isFault) wrong.push(`${one.name} whole: ${complete}`);
  }
  assert.equal(wrong.slice(0, 10), []);
  assert.ok(tried > 5_000, `${tried} places`);
});

test.run();
