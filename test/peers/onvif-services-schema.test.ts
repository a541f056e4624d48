/** Every request of events, picture, inputs and outputs, recordings, users and upkeep against the published ONVIF schemas. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openExtras } from '../../drivers/onvif/extras.js';
import type { ServiceName } from '../../drivers/onvif/services.js';
import { settle } from '../support/manual-clock.js';
import { subscribed } from '../unit/drivers/onvif/events-answers.js';
import { type Asked, type FakeLink, fakeLink, never, patient, refuses, says, unsupported } from '../unit/drivers/onvif/link-rig.js';
import { assertValid } from './onvif-validator.js';
import { dateAndTime } from './soap-answers.js';

const range = (name: string): string => `<tt:${name}><tt:Min>-1</tt:Min><tt:Max>1</tt:Max></tt:${name}>`;
const ANSWERS: Readonly<Record<string, string>> = {
  GetOptions: `<timg:ImagingOptions>${['Brightness', 'ColorSaturation', 'Contrast', 'Sharpness'].map(range).join('')}<tt:IrCutFilterModes>OFF</tt:IrCutFilterModes><tt:WideDynamicRange><tt:Mode>ON</tt:Mode><tt:Mode>OFF</tt:Mode></tt:WideDynamicRange></timg:ImagingOptions>`,
  GetMoveOptions: `<timg:MoveOptions><tt:Continuous>${range('Speed')}</tt:Continuous></timg:MoveOptions>`,
  GetImagingSettings: '<timg:ImagingSettings/>',
  GetUsers: '<tds:User><tt:Username>a&amp;b</tt:Username><tt:UserLevel>Operator</tt:UserLevel></tds:User>',
  FindRecordings: '<tse:SearchToken>t&lt;1</tse:SearchToken>',
  FindEvents: '<tse:SearchToken>t-2</tse:SearchToken>',
  GetReplayUri: '<trp:Uri>rtsp://10.9.9.9/x</trp:Uri>',
  GetAudioOutputs: '<trt:AudioOutputs token="o"/>',
  GetAudioOutputConfigurations: '<trt:Configurations token="o&amp;1"/>',
  GetAudioDecoderConfigurations: '<trt:Configurations token="d&amp;1"/>',
  GetProfiles: '<trt:Profiles token="p&amp;1"/>',
  GetRecordings: '<trc:RecordingItem><tt:RecordingToken>r&amp;1</tt:RecordingToken></trc:RecordingItem>',
  StartFirmwareUpgrade: '<tds:UploadUri>http://10.9.9.9/u</tds:UploadUri><tds:UploadDelay>PT0S</tds:UploadDelay>',
};
const REFERENCE = '<wsa:ReferenceParameters><d:SubscriptionId xmlns:d="urn:d">5</d:SubscriptionId></wsa:ReferenceParameters>';

/** `refused`: operations that this camera has not got, for the sake of the fall-backs. */
function cameraWithout(refused: readonly string[], moveOptions = ANSWERS.GetMoveOptions, services?: readonly ServiceName[]): FakeLink {
  const fake: FakeLink = fakeLink(
    ({ name }: Asked) => {
      if (refused.includes(name)) return name === 'CreatePullPointSubscription' ? refuses('MaxNotificationProducers') : unsupported();
      if (name === 'PullMessages') return never();
      if (name === 'CreatePullPointSubscription' || name === 'Subscribe') return subscribed(fake.clock, name, 60_000, REFERENCE);
      if (name === 'GetSystemDateAndTime') return dateAndTime(fake.clock.now()).body;
      return says(name, name === 'GetMoveOptions' ? moveOptions : ANSWERS[name]);
    },
    services === undefined ? {} : { services },
  );
  return fake;
}

const login = { user: 'a&b<c>', password: { reveal: () => 'p<w>&"é' } };

async function useAll(fake: FakeLink): Promise<readonly Asked[]> {
  const { imaging, events, recordings, io, users, upkeep, backchannel } = openExtras(fake.link);
  await imaging?.read(patient());
  await imaging?.write({ brightness: 0.3, contrast: 0, saturation: 1, sharpness: 0.5, irCut: 'off', isWideDynamicRange: true }, patient());
  await imaging?.write({ irCut: 'off' }, patient());
  await imaging?.focus(-0.5, patient());
  await imaging?.focus('stop', patient());
  await io?.relays(patient());
  await io?.setRelay('out&1', true, patient());
  await io?.setRelay('out&1', false, patient());
  await io?.inputs(patient());
  await backchannel?.describe(patient());
  await backchannel?.bind?.('p&1', patient());
  await events?.kinds?.(patient());
  await users?.list(patient());
  await users?.create(login, 'anonymous', patient());
  await users?.setPassword({ ...login, user: 'a&b' }, patient());
  await users?.remove('a&b<c>', patient());
  await upkeep?.time(patient());
  await upkeep?.setTime({ atMs: fake.clock.now(), zone: '<+03>-3', ntp: ['192.0.2.1', 'fd00::1', 'ntp.example.org'] }, patient());
  await upkeep?.setTime({ atMs: undefined, zone: undefined, ntp: [] }, patient());
  await upkeep?.reboot(patient());
  await upkeep?.upgradeFirmware({ sizeBytes: 1, read: async function* () {} }, () => undefined, patient()).catch(() => undefined);
  await recordings?.summary(patient());
  await recordings?.find({ fromMs: 0, toMs: 86_400_000 }, patient());
  await recordings?.replayUri('r&1', patient());
  const open = await events?.open({ onEvent: () => undefined, onEnd: () => undefined }, patient());
  await settle();
  await fake.clock.advance(31_000);
  await open?.close();
  return fake.asked;
}

const EVERY = [
  'AddAudioDecoderConfiguration',
  'AddAudioOutputConfiguration',
  'AddConfiguration',
  'CreatePullPointSubscription',
  'CreateUsers',
  'DeleteUsers',
  'EndSearch',
  'FindEvents',
  'FindRecordings',
  'GetAudioDecoderConfigurationOptions',
  'GetAudioDecoderConfigurations',
  'GetAudioOutputConfigurations',
  'GetAudioOutputs',
  'GetDigitalInputs',
  'GetEventProperties',
  'GetEventSearchResults',
  'GetImagingSettings',
  'GetMoveOptions',
  'GetNTP',
  'GetOptions',
  'GetProfiles',
  'GetRecordingInformation',
  'GetRecordingSearchResults',
  'GetRecordingSummary',
  'GetRecordings',
  'GetRelayOutputs',
  'GetReplayUri',
  'GetSystemDateAndTime',
  'GetUsers',
  'Move',
  'PullMessages',
  'Renew',
  'SetImagingSettings',
  'SetNTP',
  'SetRelayOutputState',
  'SetSynchronizationPoint',
  'SetSystemDateAndTime',
  'SetUser',
  'StartFirmwareUpgrade',
  'Stop',
  'Subscribe',
  'SystemReboot',
  'Unsubscribe',
];

test('every request is valid against the published schemas', async () => {
  const whole = await useAll(cameraWithout([]));
  const steps = `<timg:MoveOptions><tt:Relative>${range('Distance')}</tt:Relative></timg:MoveOptions>`;
  const partial = await useAll(cameraWithout(['CreatePullPointSubscription', 'FindRecordings', 'GetRecordingSummary'], steps));
  const modern = await useAll(cameraWithout([], ANSWERS.GetMoveOptions, ['media2', 'deviceIo']));
  const all = [...whole, ...partial, ...modern];
  assert.equal([...new Set(all.map(({ name }) => name))].sort(), EVERY);
  assert.ok(whole.some(({ name, extras }) => name === 'PullMessages' && extras.header?.includes('IsReferenceParameter')));
  assertValid(all.map(({ name, xml }) => ({ name, xml })));
});

test.run();
