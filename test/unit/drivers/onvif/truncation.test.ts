/** Every place at which an answer can break off: always a typed fault, never a wrong reading. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readAnswer } from '../../../../drivers/onvif/answer.js';
import { parseXml } from '../../../../drivers/onvif/soap.js';
import type { XmlReader } from '../../../../drivers/onvif/xml-reader.js';
import { DriverError } from '../../../../drivers/port.js';
import { dateAndTime, fault, plainCamera } from '../../../peers/soap-answers.js';
import { richCamera } from '../../../peers/soap-answers-rich.js';
import type { FakeAnswer, FakeRequest } from '../../../peers/soap-fake.js';

const reader: XmlReader = { parse: parseXml };
const { signal } = new AbortController();
const request = (operation: string, xml = ''): FakeRequest => ({ operation, xml }) as FakeRequest;
const http = (bytes: Buffer, status = 200) => ({ status, bytes, mediaType: 'application/soap+xml', challenges: [], dateAt: undefined });

const CAPTURED: readonly (readonly [string, FakeAnswer | undefined | Promise<FakeAnswer | undefined>])[] = [
  ['GetSystemDateAndTime', dateAndTime(0)],
  ['GetDeviceInformation', plainCamera()(request('GetDeviceInformation'))],
  ['GetServices', plainCamera()(request('GetServices'))],
  ['GetStreamUri', plainCamera()(request('GetStreamUri'))],
  ['GetProfiles', richCamera()(request('GetProfiles', '<s:Body><tr2:GetProfiles><tr2:Type>VideoEncoder</tr2:Type>'))],
  ['GetStatus', richCamera()(request('GetStatus'))],
  ['GetStatus', fault(['InvalidArgVal', 'NoProfile'], 'no such profile')],
];

for (const [name, captured] of CAPTURED) {
  test(`${name}: broken off anywhere it is a typed fault`, async () => {
    const { body, status = 200 } = (await captured) ?? { body: '' };
    const whole = Buffer.from(body, 'utf8');
    assert.ok(whole.byteLength > 200);
    // The head with its namespaces is the same for all: there every seventh place, behind it every one.
    const head = whole.indexOf('Body>');
    for (let length = 0; length < whole.byteLength; length += length < head || whole.byteLength > 1_800 ? 7 : 1) {
      const read = readAnswer(name, http(whole.subarray(0, length), status), reader, signal);
      const outcome = await read.then(
        () => 'read',
        (error: unknown) => (error instanceof DriverError ? error.code : String(error)),
      );
      assert.ok(['camera.bad_answer', 'camera.not_onvif'].includes(outcome), `after ${length} bytes: ${outcome}`);
    }
  });
}

test.run();
