/** Picture, inputs and outputs, users: what is asked and how answers are read. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDeviceIo } from '../../../../drivers/onvif/device-io.js';
import { openBackchannel } from '../../../../drivers/onvif/device-io-audio.js';
import { openImaging } from '../../../../drivers/onvif/imaging.js';
import { openUsers } from '../../../../drivers/onvif/users.js';
import { DriverError, type DriverErrorCode } from '../../../../drivers/port.js';
import { type Asked, fakeLink, patient, refuses, says, unsupported } from './link-rig.js';

async function rejects(work: Promise<unknown> | undefined, code: DriverErrorCode): Promise<DriverError> {
  const error = await (work ?? Promise.resolve()).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, DriverError, `expected ${code}`);
  assert.is((error as DriverError).code, code);
  return error as DriverError;
}

const bounds = (name: string, min: number, max: number): string =>
  `<tt:${name}><tt:Min>${min}</tt:Min><tt:Max>${max}</tt:Max></tt:${name}>`;
const OPTIONS =
  `<timg:ImagingOptions>${bounds('Brightness', 0, 100)}${bounds('Contrast', -1, 1)}${bounds('Sharpness', 5, 5)}` +
  '<tt:IrCutFilterModes>ON</tt:IrCutFilterModes><tt:IrCutFilterModes>AUTO</tt:IrCutFilterModes>' +
  '<tt:WideDynamicRange><tt:Mode>ON</tt:Mode><tt:Mode>OFF</tt:Mode></tt:WideDynamicRange></timg:ImagingOptions>';

/** A camera that keeps what is set. */
function imagingCamera(moveOptions: string): { readonly answer: (asked: Asked) => string } {
  let brightness = '25';
  let irCut = 'ON';
  let wide = 'OFF';
  const take = (body: string, name: string, before: string): string => new RegExp(`<tt:${name}>([^<]*)<`).exec(body)?.[1] ?? before;
  return {
    answer: ({ name, body }) => {
      if (name === 'GetOptions') return says(name, OPTIONS);
      if (name === 'GetMoveOptions') return moveOptions === '' ? unsupported() : says(name, moveOptions);
      if (name === 'SetImagingSettings') {
        brightness = take(body, 'Brightness', brightness);
        irCut = take(body, 'IrCutFilter', irCut);
        wide = take(body, 'Mode', wide);
      }
      if (name !== 'GetImagingSettings') return says(name);
      const wdr = `<tt:WideDynamicRange><tt:Mode>${wide}</tt:Mode></tt:WideDynamicRange>`;
      const inner = `<tt:Brightness>${brightness}</tt:Brightness><tt:Contrast>0.5</tt:Contrast><tt:IrCutFilter>${irCut}</tt:IrCutFilter><tt:Sharpness>5</tt:Sharpness>${wdr}`;
      return says(name, `<timg:ImagingSettings>${inner}</timg:ImagingSettings>`);
    },
  };
}

test('picture settings are parts of the camera’s own range, written and read back', async () => {
  const fake = fakeLink(imagingCamera('').answer);
  const imaging = openImaging(fake.link);
  assert.equal(await imaging?.options(patient()), {
    adjustable: ['brightness', 'contrast', 'irCut', 'isWideDynamicRange'],
    irCut: ['on', 'auto'],
    canFocus: false,
  });
  const before = { brightness: 0.25, contrast: 0.75, saturation: undefined, sharpness: undefined, irCut: 'on', isWideDynamicRange: false };
  assert.equal(await imaging?.read(patient()), before);
  const after = await imaging?.write({ brightness: 0.504, irCut: 'auto', isWideDynamicRange: true }, patient());
  assert.equal(after, { ...before, brightness: 0.5, irCut: 'auto', isWideDynamicRange: true });
  const sent = fake.last('SetImagingSettings').body;
  assert.match(sent, /<tt:Brightness>50<\/tt:Brightness><tt:IrCutFilter>AUTO<\/tt:IrCutFilter><tt:WideDynamicRange>/);
  assert.not.match(sent, /Contrast|Saturation/, 'only what changes is sent');
  await imaging?.write({ contrast: 0.25 }, patient());
  assert.match(fake.last('SetImagingSettings').body, /<tt:Contrast>-0.5</);
  assert.is(fake.count('GetOptions'), 1, 'what it offers is asked once');
});

test('what a camera does not let be set is said before anything is sent', async () => {
  const fake = fakeLink(imagingCamera('').answer);
  const imaging = openImaging(fake.link);
  await rejects(imaging?.write({ sharpness: 0.5 }, patient()), 'camera.unsupported');
  await rejects(imaging?.write({ irCut: 'off' }, patient()), 'camera.unsupported');
  await rejects(imaging?.focus(0.5, patient()), 'camera.unsupported');
  assert.is(fake.count('SetImagingSettings') + fake.count('Move'), 0);
  assert.is(openImaging(fakeLink(() => '', { services: ['device'] }).link), undefined);
});

test('focus moves at a speed, or by a step where a camera knows only those, and stops', async () => {
  const speeds = `<timg:MoveOptions><tt:Continuous>${bounds('Speed', -7, 5)}</tt:Continuous></timg:MoveOptions>`;
  const continuous = fakeLink(imagingCamera(speeds).answer);
  const imaging = openImaging(continuous.link);
  await imaging?.focus(-1, patient());
  assert.match(continuous.last('Move').body, /<tt:Continuous><tt:Speed>-7</);
  await imaging?.focus(0.5, patient());
  assert.match(continuous.last('Move').body, /<tt:Speed>2.5</);
  await imaging?.focus('stop', patient());
  assert.match(continuous.last('Stop').body, /source-1/);

  const steps = `<timg:MoveOptions><tt:Relative>${bounds('Distance', -10, 10)}</tt:Relative></timg:MoveOptions>`;
  const relative = fakeLink(imagingCamera(steps).answer);
  await openImaging(relative.link)?.focus(1, patient());
  assert.match(relative.last('Move').body, /<tt:Relative><tt:Distance>10</);
});

const RELAYS =
  '<tmd:RelayOutputs token="out-1"><tt:Properties><tt:Mode>Bistable</tt:Mode></tt:Properties></tmd:RelayOutputs>' +
  '<tmd:RelayOutputs token="out-2"><tt:Properties><tt:Mode>Monostable</tt:Mode></tt:Properties></tmd:RelayOutputs>';

test('relays are found in DeviceIO, or in the device service where there is no other', async () => {
  const expected = [
    { token: 'out-1', isOn: undefined, isMomentary: false },
    { token: 'out-2', isOn: undefined, isMomentary: true },
  ];
  const both = fakeLink(({ name, service }) => (service === 'deviceIo' ? says(name, RELAYS) : unsupported()));
  assert.equal(await openDeviceIo(both.link).relays(patient()), expected);
  await openDeviceIo(both.link).setRelay('out-1', true, patient());
  assert.match(both.last('SetRelayOutputState').body, /<tds:RelayOutputToken>out-1<.*<tds:LogicalState>active</);

  const broken = fakeLink(({ name, service }) => (service === 'device' ? says(name, RELAYS) : unsupported()));
  assert.equal(await openDeviceIo(broken.link).relays(patient()), expected);
  const old = fakeLink(({ name }) => says(name, RELAYS), { services: ['device', 'media'] });
  assert.equal(await openDeviceIo(old.link).relays(patient()), expected);
  assert.equal(await openDeviceIo(old.link).inputs(patient()), []);
});

test('one input is a list too, and a camera without any has empty lists', async () => {
  const one = fakeLink(({ name }) => says(name, '<tmd:DigitalInputs token="in-1"/>'));
  assert.equal(await openDeviceIo(one.link).inputs(patient()), [{ token: 'in-1', isOn: undefined }]);
  const none = fakeLink(() => unsupported());
  assert.equal(await openDeviceIo(none.link).relays(patient()), []);
  assert.equal(await openDeviceIo(none.link).inputs(patient()), []);
  const error = await rejects(openDeviceIo(none.link).setRelay('x', true, patient()), 'camera.unsupported');
  assert.match(error.message, /no such thing/);
});

const outputs = '<trt:AudioOutputs token="speaker"/>';
const decoders = '<trt:Options><tt:G711DecOptions><tt:Bitrate/></tt:G711DecOptions><tt:AACDecOptions/></trt:Options>';
const carriers =
  '<trt:Profiles token="main"><tt:Extension><tt:AudioOutputConfiguration token="o"/><tt:AudioDecoderConfiguration token="d"/></tt:Extension></trt:Profiles>' +
  '<trt:Profiles token="sub"><tt:Extension><tt:AudioDecoderConfiguration token="d"/></tt:Extension></trt:Profiles>';

test('a camera that can be spoken through tells its outputs, codecs and the profiles that carry sound; one without does not', async () => {
  const answers: Readonly<Record<string, string>> = {
    GetAudioOutputs: outputs,
    GetAudioDecoderConfigurationOptions: decoders,
    GetProfiles: carriers,
  };
  const able = fakeLink(({ name }) => says(name, answers[name]));
  const told = await openBackchannel(able.link)?.describe(patient());
  assert.equal(told, { outputs: ['speaker'], codecs: ['AAC', 'G711'], profiles: ['main'] });
  assert.match(able.last('GetAudioDecoderConfigurationOptions').body, /<trt:ProfileToken>main</);
  const terse = fakeLink(({ name }) => (name === 'GetAudioOutputs' ? says(name, outputs) : unsupported()));
  assert.equal(await openBackchannel(terse.link)?.describe(patient()), { outputs: ['speaker'], codecs: [], profiles: [] });
  const mute = fakeLink(({ name }) => says(name, name === 'GetAudioOutputs' ? '' : decoders));
  assert.is(await openBackchannel(mute.link)?.describe(patient()), undefined);
  const old = fakeLink(() => unsupported());
  assert.is(await openBackchannel(old.link)?.describe(patient()), undefined);
  assert.is(openBackchannel(fakeLink(() => unsupported(), { services: ['device'] }).link), undefined);
});

test('Media2 names codecs by their media types and leaves outputs to DeviceIO; where it says nothing Media1 is asked', async () => {
  const options = ['PCMU', 'mpeg4-generic', '__proto__'].map((name) => `<tr2:Options><tt:Encoding>${name}</tt:Encoding></tr2:Options>`);
  const both = '<tr2:Configurations><tr2:AudioOutput token="o"/><tr2:AudioDecoder token="d"/></tr2:Configurations>';
  const fake = fakeLink(
    ({ name }) => {
      if (name === 'GetAudioOutputs') return says(name, '<tmd:Token>speaker</tmd:Token>');
      return says(
        name,
        name === 'GetProfiles' ? `<tr2:Profiles token="p">${both}</tr2:Profiles><tr2:Profiles token="q"/>` : options.join(''),
      );
    },
    { services: ['media2', 'deviceIo'] },
  );
  const told = await openBackchannel(fake.link)?.describe(patient());
  assert.equal(told, { outputs: ['speaker'], codecs: ['AAC', 'G711'], profiles: ['p'] });
  const mixed = fakeLink(({ service, name }) => says(name, service === 'media2' ? '' : name === 'GetAudioOutputs' ? outputs : decoders), {
    services: ['media', 'media2'],
  });
  assert.equal((await openBackchannel(mixed.link)?.describe(patient()))?.codecs, ['AAC', 'G711']);
});

test('a profile is made to carry sound with what is missing, and left alone when it has everything', async () => {
  const configurations = '<trt:Configurations token="c&amp;1"/>';
  const fake = fakeLink(({ name }) => says(name, name === 'GetProfiles' ? carriers : configurations));
  const bind = (token: string) => openBackchannel(fake.link)?.bind?.(token, patient());
  await bind('main');
  assert.is(fake.count('AddAudioOutputConfiguration') + fake.count('AddAudioDecoderConfiguration'), 0);
  await bind('sub');
  assert.is(fake.count('AddAudioDecoderConfiguration'), 0, 'it was there');
  assert.match(fake.last('AddAudioOutputConfiguration').body, /<trt:ProfileToken>sub<.*<trt:ConfigurationToken>c&amp;1</);
  await rejects(bind('none'), 'camera.refused');
  fake.answer(({ name }) => says(name, name === 'GetProfiles' ? carriers : ''));
  await rejects(bind('sub'), 'camera.unsupported');
});

const login = (user: string, password: string) => ({ user, password: { reveal: () => password } });
const user = (name: string, level: string): string =>
  `<tds:User><tt:Username>${name}</tt:Username><tt:UserLevel>${level}</tt:UserLevel></tds:User>`;

test('users are listed, made, changed with their level kept, and removed by the right element', async () => {
  const fake = fakeLink(({ name }) =>
    name === 'GetUsers' ? says(name, user('admin', 'Administrator') + user('guard', 'Vendor')) : says(name),
  );
  const users = openUsers(fake.link);
  assert.equal(await users.list(patient()), [
    { name: 'admin', level: 'administrator' },
    { name: 'guard', level: 'user' },
  ]);
  await users.create(login('a&b', '<p>'), 'operator', patient());
  assert.match(fake.last('CreateUsers').body, /<tt:Username>a&amp;b<.*<tt:Password>&lt;p&gt;<.*<tt:UserLevel>Operator</);
  assert.is(fake.last('CreateUsers').extras.isRepeatable, false, 'sent twice it would fail the second time');
  await users.setPassword(login('guard', 'new'), patient());
  assert.match(fake.last('SetUser').body, /<tt:UserLevel>Vendor</);
  await users.remove('guard', patient());
  assert.is(fake.last('DeleteUsers').body, '<tds:DeleteUsers><tds:Username>guard</tds:Username></tds:DeleteUsers>');
  await rejects(users.setPassword(login('nobody', 'x'), patient()), 'camera.refused');
});

test('a camera without users has an empty list; its refusal of a password is told', async () => {
  const fake = fakeLink(({ name }) => (name === 'GetUsers' ? says(name) : refuses('PasswordTooWeak')));
  assert.equal(await openUsers(fake.link).list(patient()), []);
  const error = await rejects(openUsers(fake.link).create(login('a', 'b'), 'user', patient()), 'camera.refused');
  assert.match(error.message, /PasswordTooWeak/);
});

test.run();
