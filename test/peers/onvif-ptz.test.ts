/** PTZ over ONVIF: what is sent for what is asked, and the ways of cameras that take only some of it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PtzDriver } from '../../drivers/port.js';
import { login, patient, rejection, withDriver } from './onvif-rig.js';
import { answer, fault } from './soap-answers.js';
import { NODE, richCamera } from './soap-answers-rich.js';
import { type FakeRequest, type Responder, startSoapFake } from './soap-fake.js';

/** Runs `work` with the camera's PTZ; hands out the bodies of all PTZ requests but GetNode. */
async function withPtz(responder: Responder, work: (ptz: Required<PtzDriver>) => Promise<void>): Promise<readonly string[]> {
  const fake = await startSoapFake(responder);
  try {
    await withDriver(fake.deviceUri, login(), async (driver) => {
      const ptz = await driver.ptz(patient());
      assert.is(await driver.ptz(patient()), ptz, 'one object as long as profile and node stay');
      await work(ptz as Required<PtzDriver>);
    });
  } finally {
    await fake.stop();
  }
  return fake.requests.flatMap(({ xml, operation }) => (operation === 'GetNode' ? [] : (/<tptz:.*(?=<\/s:Body>)/.exec(xml)?.[0] ?? [])));
}

const token = '<tptz:ProfileToken>sub</tptz:ProfileToken>';
const special = (operation: string, make: (request: FakeRequest) => ReturnType<Responder>): Responder =>
  richCamera((request) => (request.operation === operation ? make(request) : undefined));

test('everything a full node can do', async () => {
  const sent = await withPtz(richCamera(), async (ptz) => {
    assert.equal(await ptz.presets(patient()), [
      { token: '1', name: 'Gate <1>' },
      { token: '2', name: '' },
    ]);
    await ptz.goto('1', patient());
    assert.is(await ptz.setPreset('A&B', patient()), '7');
    assert.is(await ptz.setPreset('A', { ...patient(), token: '1' }), '7');
    await ptz.removePreset('1', patient());
    await ptz.home(patient());
    await ptz.setHome(patient());
    await ptz.absolute({ pan: 0.5, tilt: -2, zoom: 0.25 }, patient());
    await ptz.absolute({ pan: undefined, tilt: undefined, zoom: 1 }, patient());
    await ptz.relative({ pan: 0.1, tilt: 0, zoom: 0 }, patient());
    assert.equal(await ptz.status(patient()), { position: { pan: 0.5, tilt: -0.25, zoom: 0.75 }, isMoving: true, error: '' });
    assert.equal(ptz.auxiliaries, ['tt:Wiper|On', 'tt:Wiper|Off']);
    await ptz.auxiliary('tt:Wiper|On', patient());
    assert.equal(await ptz.tours.list(patient()), [{ token: 't1', name: 'Round', state: 'touring' }]);
    await ptz.tours.operate('t1', 'start', patient());
    await rejection(ptz.relative({ pan: 0, tilt: 0, zoom: 0 }, patient()), 'camera.unsupported');
  });
  assert.equal(sent, [
    `<tptz:GetPresets>${token}</tptz:GetPresets>`,
    `<tptz:GotoPreset>${token}<tptz:PresetToken>1</tptz:PresetToken></tptz:GotoPreset>`,
    `<tptz:SetPreset>${token}<tptz:PresetName>A&amp;B</tptz:PresetName></tptz:SetPreset>`,
    `<tptz:SetPreset>${token}<tptz:PresetName>A</tptz:PresetName><tptz:PresetToken>1</tptz:PresetToken></tptz:SetPreset>`,
    `<tptz:RemovePreset>${token}<tptz:PresetToken>1</tptz:PresetToken></tptz:RemovePreset>`,
    `<tptz:GotoHomePosition>${token}</tptz:GotoHomePosition>`,
    `<tptz:SetHomePosition>${token}</tptz:SetHomePosition>`,
    `<tptz:AbsoluteMove>${token}<tptz:Position><tt:PanTilt x="0.5" y="-1"/><tt:Zoom x="0.25"/></tptz:Position></tptz:AbsoluteMove>`,
    `<tptz:AbsoluteMove>${token}<tptz:Position><tt:Zoom x="1"/></tptz:Position></tptz:AbsoluteMove>`,
    `<tptz:RelativeMove>${token}<tptz:Translation><tt:PanTilt x="0.1" y="0"/></tptz:Translation></tptz:RelativeMove>`,
    `<tptz:GetStatus>${token}</tptz:GetStatus>`,
    `<tptz:SendAuxiliaryCommand>${token}<tptz:AuxiliaryData>tt:Wiper|On</tptz:AuxiliaryData></tptz:SendAuxiliaryCommand>`,
    `<tptz:GetPresetTours>${token}</tptz:GetPresetTours>`,
    `<tptz:OperatePresetTour>${token}<tptz:PresetTourToken>t1</tptz:PresetTourToken><tptz:Operation>Start</tptz:Operation></tptz:OperatePresetTour>`,
  ]);
});

test('only what moves is named, and only that is stopped', async () => {
  const sent = await withPtz(richCamera(), async (ptz) => {
    await ptz.move({ pan: 0.5, tilt: 0, zoom: 0 }, patient());
    await ptz.move({ pan: 0, tilt: 0, zoom: -1 }, patient());
    await ptz.stop(patient());
    await ptz.move({ pan: 0, tilt: 0, zoom: 1 }, patient());
    await ptz.stop(patient());
    await ptz.stop(patient());
  });
  const move = (inner: string): string =>
    `<tptz:ContinuousMove>${token}<tptz:Velocity>${inner}</tptz:Velocity><tptz:Timeout>PT1S</tptz:Timeout></tptz:ContinuousMove>`;
  const stop = (panTilt: boolean, zoom: boolean): string =>
    `<tptz:Stop>${token}<tptz:PanTilt>${panTilt}</tptz:PanTilt><tptz:Zoom>${zoom}</tptz:Zoom></tptz:Stop>`;
  assert.equal(sent, [
    move('<tt:PanTilt x="0.5" y="0"/>'),
    move('<tt:PanTilt x="0" y="0"/><tt:Zoom x="-1"/>'),
    stop(true, true),
    move('<tt:Zoom x="1"/>'),
    stop(false, true),
    stop(true, true),
  ]);
});

test('a camera that takes no Timeout, or no axis at rest: found out once, then remembered', async () => {
  const picky = special('ContinuousMove', ({ xml }) =>
    xml.includes('Timeout') || /PanTilt x="0"|y="0"/.test(xml)
      ? fault(['InvalidArgVal'], 'out of range')
      : answer('tptz:ContinuousMove', ''),
  );
  const sent = await withPtz(picky, async (ptz) => {
    await ptz.move({ pan: 0.5, tilt: 0, zoom: 0 }, patient());
    await ptz.move({ pan: 0, tilt: -0.5, zoom: 0 }, patient());
  });
  assert.is(sent.length, 5, 'four ways tried, one remembered');
  assert.match(sent[4] ?? '', '<tt:PanTilt x="0.001" y="-0.5"/></tptz:Velocity></tptz:ContinuousMove>');
});

test('a camera that does not describe itself and has no zoom after all', async () => {
  const panOnly = richCamera(({ operation, xml }) => {
    if (operation === 'GetNode') return fault(['ActionNotSupported'], 'no');
    return xml.includes('<tt:Zoom') ? fault(['InvalidArgVal', 'SpaceNotSupported'], 'no zoom') : undefined;
  });
  const sent = await withPtz(panOnly, async (ptz) => {
    await ptz.move({ pan: 0.5, tilt: 0, zoom: 1 }, patient());
    await ptz.move({ pan: 0.4, tilt: 0, zoom: 1 }, patient());
    await rejection(ptz.move({ pan: 0, tilt: 0, zoom: 1 }, patient()), 'camera.unsupported');
  });
  assert.is(sent.length, 3);
});

test('a camera that refuses to stop two kinds at once is told one after the other', async () => {
  const picky = special('Stop', ({ xml }) =>
    xml.includes('<tptz:PanTilt>true</tptz:PanTilt><tptz:Zoom>true') ? fault(['InvalidArgVal'], 'one only') : answer('tptz:Stop', ''),
  );
  assert.is((await withPtz(picky, (ptz) => ptz.stop(patient()))).length, 3);
});

test('a node that can do little says so by what is missing; another space than the generic one is scaled and named', async () => {
  const other =
    '<tt:AbsolutePanTiltPositionSpace><tt:URI>urn:degrees</tt:URI><tt:XRange><tt:Min>0</tt:Min><tt:Max>360</tt:Max></tt:XRange><tt:YRange><tt:Min>-90</tt:Min><tt:Max>0</tt:Max></tt:YRange></tt:AbsolutePanTiltPositionSpace>';
  const little = NODE.replace(/<tt:Absolute.*<\/tt:ContinuousZoomVelocitySpace>/, other)
    .replace('>8<', '>0<')
    .replace('<tt:HomeSupported>true', '<tt:HomeSupported>false')
    .replace(/<tt:Aux.*<\/tt:Extension>/, '');
  const sent = await withPtz(
    richCamera(({ operation }) => (operation === 'GetNode' ? answer('tptz:GetNode', little) : undefined)),
    async (ptz) => {
      assert.equal(
        [ptz.goto, ptz.home, ptz.relative, ptz.auxiliary, ptz.tours],
        Array.from({ length: 5 }, () => undefined),
      );
      await ptz.absolute({ pan: 0, tilt: 1, zoom: 1 }, patient());
      await rejection(ptz.move({ pan: 1, tilt: 0, zoom: 0 }, patient()), 'camera.unsupported');
      assert.equal((await ptz.status(patient())).position.pan, 0.5, 'said in the generic space');
    },
  );
  assert.match(sent[0] ?? '', '<tt:PanTilt x="180" y="0" space="urn:degrees"/></tptz:Position>');
});

test.run();
