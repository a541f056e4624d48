/** Every request the driver can send, checked against the published ONVIF schemas where they are at hand. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PtzDriver } from '../../drivers/port.js';
import { login, patient, withDriver } from './onvif-rig.js';
import { assertValid } from './onvif-validator.js';
import { answer, fault, plainCamera } from './soap-answers.js';
import { isMedia2, richCamera } from './soap-answers-rich.js';
import { type FakeAnswer, type FakeRequest, startSoapFake } from './soap-fake.js';

/** The core's requests to one camera: identity, streams, encoders, movement, texts, pictures. */
async function useEverything(deviceUri: string): Promise<void> {
  await withDriver(deviceUri, login('a&b', 'p<w>'), async (driver) => {
    await driver.identify(patient());
    const streams = (await driver.sources?.(patient()))?.flatMap(({ profiles }) => profiles) ?? [];
    for (const profile of streams) {
      const stream = { kind: 'main', ...profile } as const;
      await tried(driver.streamUri(stream.profileToken, patient()));
      await tried(driver.encoderOptions(stream, patient()));
      await tried(driver.setEncoder(stream, { ...stream.video, frameRate: 10, bitrateKbps: 512, gopLength: 20 }, patient()));
      await driver.synchronize(stream.profileToken, patient());
      await tried(driver.snapshot?.(stream.profileToken, patient()));
    }
    const { ptz, overlays } = (await driver.capabilities?.(patient())) ?? {};
    await usePtz(ptz);
    await tried(overlays?.list(patient()));
    await tried(overlays?.create('Yard & <gate>', 'upper-right', patient()));
    await tried(overlays?.setText('osd-1', 'Gate', patient()));
    await tried(overlays?.remove('osd-1', patient()));
  });
}

/** What a camera has not got is still asked for: the request is what counts here. */
const tried = (work: Promise<unknown> | undefined): Promise<unknown> => Promise.resolve(work).catch(() => undefined);

async function usePtz(ptz: PtzDriver | undefined): Promise<void> {
  await tried(ptz?.move({ pan: 0.123456, tilt: -1, zoom: 0.5 }, patient()));
  await tried(ptz?.stop(patient()));
  await tried(ptz?.move({ pan: 0.5, tilt: 0, zoom: 0 }, patient()));
  await tried(ptz?.presets?.(patient()));
  await tried(ptz?.goto?.('1', patient()));
  await tried(ptz?.setPreset?.('Gate', { ...patient(), token: '1' }));
  await tried(ptz?.removePreset?.('1', patient()));
  await tried(ptz?.home?.(patient()));
  await tried(ptz?.setHome?.(patient()));
  await tried(ptz?.absolute?.({ pan: 0.5, tilt: 0.5, zoom: 0.1 }, patient()));
  await tried(ptz?.relative?.({ pan: 0.5, tilt: 0, zoom: -0.1 }, patient()));
  await tried(ptz?.status?.(patient()));
  await tried(ptz?.auxiliary?.('tt:Wiper|On', patient()));
  await tried(ptz?.tours?.list(patient()));
  await tried(ptz?.tours?.operate('t1', 'pause', patient()));
}

/** All that the core can be made to say: every method, the fall-backs, the optional parts. The other services have tests of their own. */
async function collectRequests(): Promise<readonly FakeRequest[]> {
  let isOld = false;
  const special = ({ operation, xml }: FakeRequest): FakeAnswer | undefined => {
    if (operation === 'GetServices' && isOld) return fault(['ActionNotSupported'], 'too old', 500);
    if (operation === 'ContinuousMove' && xml.includes('Timeout')) return fault(['InvalidArgVal'], 'no timeout');
    if (operation === 'GetNode' && isOld) return fault(['ActionNotSupported'], 'too old', 500);
    if (operation === 'SetVideoEncoderConfiguration' && xml.includes('0.0.0.0')) return fault(['InvalidArgVal'], 'no multicast');
    if (operation === 'GetStreamUri' && xml.includes('<tr2:'))
      return answer('tr2:GetStreamUri', '<tr2:Uri>rtsp://10.9.9.9:80/live</tr2:Uri>');
    return undefined;
  };
  const requests: FakeRequest[] = [];
  for (const camera of [
    plainCamera,
    richCamera,
    (more: typeof special) => richCamera((request) => withoutMedia2(request) ?? more(request)),
  ]) {
    const fake = await startSoapFake(camera(special));
    for (isOld of [false, true]) await useEverything(fake.deviceUri);
    await fake.stop();
    requests.push(...fake.requests.filter(({ xml }) => xml !== ''));
  }
  return requests;
}

const withoutMedia2 = (request: FakeRequest): FakeAnswer | undefined =>
  isMedia2(request) ? fault(['ActionNotSupported'], 'no') : undefined;

const EVERY = [
  'AbsoluteMove',
  'ContinuousMove',
  'CreateOSD',
  'DeleteOSD',
  'GetCapabilities',
  'GetDeviceInformation',
  'GetNetworkProtocols',
  'GetNode',
  'GetOSDs',
  'GetPresetTours',
  'GetPresets',
  'GetProfiles',
  'GetServices',
  'GetSnapshotUri',
  'GetStatus',
  'GetStreamUri',
  'GetSystemDateAndTime',
  'GetVideoEncoderConfiguration',
  'GetVideoEncoderConfigurationOptions',
  'GetVideoEncoderConfigurations',
  'GotoHomePosition',
  'GotoPreset',
  'OperatePresetTour',
  'RelativeMove',
  'RemovePreset',
  'SendAuxiliaryCommand',
  'SetHomePosition',
  'SetOSD',
  'SetPreset',
  'SetSynchronizationPoint',
  'SetVideoEncoderConfiguration',
  'Stop',
];

test('every request is valid against the published schemas', async () => {
  const requests = await collectRequests();
  assert.equal([...new Set(requests.map(({ operation }) => operation))].sort(), EVERY);
  assertValid(requests.map(({ operation, xml }) => ({ name: operation, xml })));
});

test.run();
