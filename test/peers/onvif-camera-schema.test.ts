import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startOnvifCamera } from './onvif-camera/onvif-camera.js';
import { CALLS } from './onvif-camera-calls.js';
import { callSoap, makeEnvelope, makeToken, postSoap } from './onvif-camera-client.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)).replace(/[/\\]\.build(?=[/\\])/, ''), '../..');
const VALIDATOR = process.env.SIGHTLINE_ONVIF_SCHEMA ?? join(ROOT, '../shared/onvif-schema/validate');

const WSNT = 'xmlns="http://docs.oasis-open.org/wsn/b-2"';
const WSA = 'http://www.w3.org/2005/08/addressing';

/** Requests to a subscription, in its own namespaces: by path, body and header. */
const SUBSCRIPTION_CALLS: readonly (readonly [path: string, body: string])[] = [
  [
    'subscription?id=1',
    '<PullMessages xmlns="http://www.onvif.org/ver10/events/wsdl"><Timeout>PT1S</Timeout><MessageLimit>50</MessageLimit></PullMessages>',
  ],
  ['subscription?id=1', '<SetSynchronizationPoint xmlns="http://www.onvif.org/ver10/events/wsdl"/>'],
  ['subscription?id=1', `<Renew ${WSNT}><TerminationTime>PT60S</TerminationTime></Renew>`],
  ['subscription?id=1', `<Unsubscribe ${WSNT}/>`],
  ['subscription?id=1', `<Unsubscribe ${WSNT}/>`],
  [
    'event_service',
    `<Subscribe ${WSNT}><ConsumerReference><a:Address xmlns:a="${WSA}">http://127.0.0.1:9/</a:Address></ConsumerReference></Subscribe>`,
  ],
  ['deviceio_service', '<GetRelayOutputs xmlns="http://www.onvif.org/ver10/device/wsdl"/>'],
  ['device_service', '<SystemReboot xmlns="http://www.onvif.org/ver10/device/wsdl"/>'],
];

/** The set operation is made of what the camera itself answered, as a careful client makes it. */
async function setEncoder(deviceUri: string): Promise<string> {
  const { text } = await callSoap(
    deviceUri,
    'media',
    '<GetVideoEncoderConfiguration><ConfigurationToken>encoder_sub</ConfigurationToken></GetVideoEncoderConfiguration>',
  );
  const inner = /<trt:Configuration [^>]*>(.*)<\/trt:Configuration>/s.exec(text)?.[1] ?? '';
  return `<SetVideoEncoderConfiguration><Configuration token="encoder_sub">${inner}</Configuration><ForcePersistence>true</ForcePersistence></SetVideoEncoderConfiguration>`;
}

test('every request made here and every answer of the camera is valid against the published schemas', async () => {
  if (!existsSync(VALIDATOR)) {
    process.stdout.write(`\nschema check left out: there is no ${VALIDATOR} (name a validator in SIGHTLINE_ONVIF_SCHEMA)\n`);
    return;
  }
  const camera = await startOnvifCamera({ discovery: false, backchannel: true, name: 'Gate <A> & "B"' });
  const folder = mkdtempSync(join(tmpdir(), 'sightline-schema-'));
  try {
    const files: string[] = [];
    const keep = (name: string, text: string): void => {
      files.push(join(folder, name));
      writeFileSync(join(folder, name), text);
    };
    const calls = [...CALLS, ['media', await setEncoder(camera.deviceUri)] as const];
    for (const [index, [service, body]] of calls.entries()) {
      const name = `${String(index).padStart(2, '0')}-${/<(\w+)/.exec(body)?.[1]}`;
      const request = makeEnvelope(service, body, makeToken('admin', 'camera'));
      keep(`${name}-request.xml`, request);
      keep(`${name}-answer.xml`, (await postSoap(camera.deviceUri, service, request)).text);
    }
    for (const [index, [path, body]] of SUBSCRIPTION_CALLS.entries()) {
      const header = `<a:MessageID xmlns:a="${WSA}">urn:uuid:${index}</a:MessageID>${makeToken('admin', 'camera')}`;
      const request = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>${header}</s:Header><s:Body>${body}</s:Body></s:Envelope>`;
      keep(`subscription-${index}-request.xml`, request);
      const uri = camera.deviceUri.replace('device_service', path);
      const answer = await fetch(uri, { method: 'POST', body: request, headers: { 'Content-Type': 'application/soap+xml' } });
      keep(`subscription-${index}-answer.xml`, await answer.text());
    }
    const run = spawnSync(VALIDATOR, files, { encoding: 'utf8' });
    const complaints = run.stdout.split('\n').filter((line) => !line.endsWith(' validates'));
    assert.is(run.status, 0, `${complaints.slice(0, 12).join('\n')}${run.stderr}`);
    // Only what was really there is worth the word valid.
    const answers = files.filter((file) => file.endsWith('-answer.xml'));
    assert.ok(answers.every((file) => readFileSync(file, 'utf8').includes('Body>')));
    assert.is(answers.length, CALLS.length + 1 + SUBSCRIPTION_CALLS.length);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await camera.stop();
  }
});

test.run();
