/** Every request the driver can send, checked against the published ONVIF schemas where they are at hand. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { login, patient, withDriver } from './onvif-rig.js';
import { fault, plainCamera } from './soap-answers.js';
import { type FakeRequest, startSoapFake } from './soap-fake.js';

/** Beside the repository; this file runs from .build/test/peers. */
const BESIDE = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '..', 'shared', 'onvif-schema', 'validate');
const VALIDATOR = process.env.SIGHTLINE_ONVIF_SCHEMA ?? BESIDE;

/** All that the driver can be made to say: every method, the fall-backs, the optional parts. */
async function collectRequests(): Promise<readonly FakeRequest[]> {
  let isOld = false;
  const fake = await startSoapFake(
    plainCamera(({ operation, xml }) => {
      if (operation === 'GetServices' && isOld) return fault(['ActionNotSupported'], 'too old', 500);
      if (operation === 'ContinuousMove' && xml.includes('Timeout')) return fault(['InvalidArgVal'], 'no timeout');
      if (operation === 'GetNode' && isOld) return fault(['ActionNotSupported'], 'too old', 500);
      return undefined;
    }),
  );
  const use = () =>
    withDriver(fake.deviceUri, login('a&b', 'p<w>'), async (driver) => {
      await driver.identify(patient());
      const streams = await driver.streams(patient());
      for (const stream of streams) {
        await driver.streamUri(stream.profileToken, patient());
        await driver.encoderOptions(stream, patient());
        await driver.setEncoder(stream, { ...stream.video, frameRate: 10, bitrateKbps: 512, gopLength: 20 }, patient());
        await driver.synchronize(stream.profileToken, patient());
      }
      const ptz = await driver.ptz(patient());
      await ptz?.move({ pan: 0.123456, tilt: -1, zoom: 0.5 }, patient());
      await ptz?.stop(patient());
    });
  await use();
  isOld = true;
  await use();
  await fake.stop();
  return fake.requests;
}

const EVERY = [
  'ContinuousMove',
  'GetCapabilities',
  'GetDeviceInformation',
  'GetNode',
  'GetProfiles',
  'GetServices',
  'GetStreamUri',
  'GetSystemDateAndTime',
  'GetVideoEncoderConfiguration',
  'GetVideoEncoderConfigurationOptions',
  'SetSynchronizationPoint',
  'SetVideoEncoderConfiguration',
  'Stop',
];

test('every request is valid against the published schemas', async () => {
  const requests = await collectRequests();
  assert.equal([...new Set(requests.map(({ operation }) => operation))].sort(), EVERY);
  if (!existsSync(VALIDATOR)) {
    process.stdout.write('not checked: no ONVIF schemas here (SIGHTLINE_ONVIF_SCHEMA names their validator)\n');
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'sightline-schema-'));
  try {
    const files = requests.map(({ operation, xml }, at) => {
      const path = join(folder, `${at}-${operation}.xml`);
      writeFileSync(path, xml);
      return path;
    });
    const run = spawnSync(VALIDATOR, files, { encoding: 'utf8' });
    assert.is(run.status, 0, run.stdout + run.stderr);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
