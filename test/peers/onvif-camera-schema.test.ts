import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startOnvifCamera } from './onvif-camera/onvif-camera.js';
import { callSoap, makeEnvelope, makeToken, postSoap, type ServiceName } from './onvif-camera-client.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)).replace(/[/\\]\.build(?=[/\\])/, ''), '../..');
const VALIDATOR = process.env.SIGHTLINE_ONVIF_SCHEMA ?? join(ROOT, '../shared/onvif-schema/validate');

const profile = '<ProfileToken>profile_main</ProfileToken>';
const velocity = '<Velocity><tt:PanTilt x="0.5" y="-0.5"/><tt:Zoom x="1"/></Velocity>';
const setup = '<StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport></StreamSetup>';

/** Every operation of the camera at least once, and some that it answers with a fault. */
const CALLS: readonly (readonly [ServiceName, string])[] = [
  ['device', '<GetSystemDateAndTime/>'],
  ['device', '<GetServices><IncludeCapability>true</IncludeCapability></GetServices>'],
  ['device', '<GetServices><IncludeCapability>false</IncludeCapability></GetServices>'],
  ['device', '<GetServiceCapabilities/>'],
  ['device', '<GetCapabilities><Category>All</Category></GetCapabilities>'],
  ['device', '<GetCapabilities><Category>Imaging</Category></GetCapabilities>'],
  ['device', '<GetEndpointReference/>'],
  ['device', '<GetHostname/>'],
  ['device', '<GetDeviceInformation/>'],
  ['device', '<GetScopes/>'],
  ['device', '<GetNetworkInterfaces/>'],
  ['device', '<GetUsers/>'],
  ['media', '<GetServiceCapabilities/>'],
  ['media', '<GetProfiles/>'],
  ['media', `<GetProfile>${profile}</GetProfile>`],
  ['media', '<GetProfile><ProfileToken>nope</ProfileToken></GetProfile>'],
  ['media', '<GetVideoSources/>'],
  ['media', '<GetVideoSourceConfigurations/>'],
  ['media', '<GetVideoEncoderConfigurations/>'],
  ['media', '<GetVideoEncoderConfiguration><ConfigurationToken>encoder_sub</ConfigurationToken></GetVideoEncoderConfiguration>'],
  ['media', '<GetVideoEncoderConfigurationOptions/>'],
  [
    'media',
    '<GetVideoEncoderConfigurationOptions><ConfigurationToken>encoder_sub</ConfigurationToken></GetVideoEncoderConfigurationOptions>',
  ],
  ['media', `<GetStreamUri>${setup}${profile}</GetStreamUri>`],
  ['media', `<GetSnapshotUri>${profile}</GetSnapshotUri>`],
  ['media', `<SetSynchronizationPoint>${profile}</SetSynchronizationPoint>`],
  ['ptz', '<GetServiceCapabilities/>'],
  ['ptz', '<GetNodes/>'],
  ['ptz', '<GetNode><NodeToken>ptz_node_0</NodeToken></GetNode>'],
  ['ptz', '<GetConfigurations/>'],
  ['ptz', '<GetConfiguration><PTZConfigurationToken>ptz_config_0</PTZConfigurationToken></GetConfiguration>'],
  ['ptz', '<GetConfigurationOptions><ConfigurationToken>ptz_config_0</ConfigurationToken></GetConfigurationOptions>'],
  ['ptz', `<ContinuousMove>${profile}${velocity}<Timeout>PT5S</Timeout></ContinuousMove>`],
  ['ptz', `<ContinuousMove>${profile}${velocity}<Timeout>PT5H</Timeout></ContinuousMove>`],
  ['ptz', `<Stop>${profile}<PanTilt>true</PanTilt><Zoom>true</Zoom></Stop>`],
  ['ptz', `<GetStatus>${profile}</GetStatus>`],
  ['ptz', `<AbsoluteMove>${profile}<Position><tt:PanTilt x="0" y="0"/><tt:Zoom x="0"/></Position></AbsoluteMove>`],
  ['ptz', `<SetPreset>${profile}<PresetName>gate &amp; yard</PresetName></SetPreset>`],
  ['ptz', `<GetPresets>${profile}</GetPresets>`],
  ['ptz', `<GotoPreset>${profile}<PresetToken>1</PresetToken></GotoPreset>`],
  ['ptz', `<RemovePreset>${profile}<PresetToken>1</PresetToken></RemovePreset>`],
  ['ptz', `<SetHomePosition>${profile}</SetHomePosition>`],
  ['ptz', `<GotoHomePosition>${profile}</GotoHomePosition>`],
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
  const camera = await startOnvifCamera({ discovery: false, name: 'Gate <A> & "B"' });
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
    const run = spawnSync(VALIDATOR, files, { encoding: 'utf8' });
    const complaints = run.stdout.split('\n').filter((line) => !line.endsWith(' validates'));
    assert.is(run.status, 0, `${complaints.slice(0, 12).join('\n')}${run.stderr}`);
    // Only what was really there is worth the word valid.
    const answers = files.filter((file) => file.endsWith('-answer.xml'));
    assert.ok(answers.every((file) => readFileSync(file, 'utf8').includes('Body>')));
    assert.is(answers.length, CALLS.length + 1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await camera.stop();
  }
});

test.run();
