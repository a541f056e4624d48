/** What an ONVIF camera answers: each operation's reader gets the spoilt answer of that operation, discovery gets all of them. */
import { rebuildStreamUri, servicePath } from '../../../drivers/onvif/address.js';
import { askIdentity, askRtspPort, readCameraClock } from '../../../drivers/onvif/device.js';
import { openDeviceIo } from '../../../drivers/onvif/device-io.js';
import { readProbeMatches } from '../../../drivers/onvif/discovery-message.js';
import { readNotify } from '../../../drivers/onvif/events-messages.js';
import { meaningOf } from '../../../drivers/onvif/events-topics.js';
import { faultError, readFault } from '../../../drivers/onvif/fault.js';
import { openImaging } from '../../../drivers/onvif/imaging.js';
import { askProfiles, askStreamUri } from '../../../drivers/onvif/media.js';
import { MediaChoice } from '../../../drivers/onvif/media-choice.js';
import { askAbilities } from '../../../drivers/onvif/ptz-node.js';
import { openRecordings } from '../../../drivers/onvif/recordings.js';
import { type Ask, askServices } from '../../../drivers/onvif/services.js';
import { parseXml } from '../../../drivers/onvif/soap.js';
import { openUsers } from '../../../drivers/onvif/users.js';
import { DriverError } from '../../../drivers/port.js';
import { envelope, fault, plainCamera } from '../../peers/soap-answers.js';
import { message } from '../../unit/drivers/onvif/events-answers.js';
import { fakeLink, says } from '../../unit/drivers/onvif/link-rig.js';
import type { FuzzTarget } from '../engine.js';

const NETWORK = { address: '192.0.2.1', netmask: '255.255.255.0' };
const REACHED = { host: '192.0.2.7' };
const never = (): { signal: AbortSignal } => ({ signal: new AbortController().signal });

const PROBE_MATCH =
  '<?xml version="1.0"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery">' +
  '<e:Header><w:RelatesTo>uuid:11111111-2222-3333-4444-555555555555</w:RelatesTo></e:Header><e:Body><d:ProbeMatches><d:ProbeMatch>' +
  '<w:EndpointReference><w:Address>urn:uuid:aaaa</w:Address></w:EndpointReference><d:Scopes>onvif://www.onvif.org/name/A%20B onvif://www.onvif.org/hardware/X</d:Scopes>' +
  '<d:XAddrs>http://192.0.2.7/onvif/device_service http://10.0.0.1/x</d:XAddrs></d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>';

const OPERATIONS = [
  'GetSystemDateAndTime',
  'GetDeviceInformation',
  'GetServices',
  'GetCapabilities',
  'GetProfiles',
  'GetStreamUri',
  'GetNode',
];

async function plainAnswers(): Promise<readonly Buffer[]> {
  const respond = plainCamera();
  const out: Buffer[] = [];
  for (const operation of OPERATIONS) {
    const said = await respond({ operation } as Parameters<typeof respond>[0]);
    if (said !== undefined) out.push(Buffer.from(said.body));
  }
  return out;
}

const OTHERS = [
  PROBE_MATCH,
  fault(['NotAuthorized'], 'Sender not Authorized').body,
  '<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Body><SOAP-ENV:Fault><faultcode>SOAP-ENV:Client</faultcode><faultstring>no</faultstring></SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>',
  envelope(
    `<wsnt:Notify>${message('tns1:RuleEngine/CellMotionDetector/Motion')}${message('tns1:Device/Trigger/DigitalInput', { data: { LogicalState: '1' } })}</wsnt:Notify>`,
  ),
  says('GetUsers', '<User><Username>admin</Username><UserLevel>Administrator</UserLevel></User><User><Username>b</Username></User>'),
  says(
    'GetRelayOutputs',
    '<RelayOutputs token="r1"><Properties><Mode>Bistable</Mode><DelayTime>PT1S</DelayTime><IdleState>open</IdleState></Properties></RelayOutputs>',
  ),
  says('GetDigitalInputs', '<DigitalInputs token="i1" IdleState="closed"/>'),
  says(
    'GetImagingSettings',
    '<ImagingSettings><Brightness>50</Brightness><Contrast>1e3</Contrast><IrCutFilter>AUTO</IrCutFilter></ImagingSettings>',
  ),
  says(
    'GetOptions',
    '<ImagingOptions><Brightness><Min>0</Min><Max>100</Max></Brightness><IrCutFilterModes>ON</IrCutFilterModes></ImagingOptions>',
  ),
  says(
    'GetRecordingSummary',
    '<Summary><DataFrom>2026-01-01T00:00:00Z</DataFrom><DataUntil>2026-02-01T00:00:00Z</DataUntil><NumberRecordings>3</NumberRecordings></Summary>',
  ),
  says('GetReplayUri', '<Uri>rtsp://10.0.0.1/replay</Uri>'),
  '<html><body>404</body></html>',
];

/** What reads the answer to an operation. */
const READERS: Readonly<Record<string, (ask: Ask, answer: string) => Promise<unknown>>> = {
  GetServices: (ask) => askServices(ask),
  GetCapabilities: (ask) => askServices(ask),
  GetDeviceInformation: (ask) => askIdentity(ask),
  GetNetworkProtocols: (ask) => askRtspPort(ask),
  GetSystemDateAndTime: async (ask) => readCameraClock(await ask('device', 'GetSystemDateAndTime', '')),
  GetProfiles: (ask) => askProfiles(ask, new MediaChoice(() => true), true),
  GetStreamUri: async (ask) => rebuildStreamUri(await askStreamUri(ask, new MediaChoice(() => true), 'main'), REACHED),
  GetNode: (ask) => askAbilities(ask, 'node-1'),
  GetUsers: (_ask, answer) => openUsers(fakeLink(() => answer).link).list(never()),
  GetRelayOutputs: (_ask, answer) => openDeviceIo(fakeLink(() => answer).link).relays(never()),
  GetDigitalInputs: (_ask, answer) => openDeviceIo(fakeLink(() => answer).link).inputs(never()),
  GetImagingSettings: async (_ask, answer) => openImaging(fakeLink(() => answer).link)?.read(never()),
  GetOptions: async (_ask, answer) => openImaging(fakeLink(() => answer).link)?.options(never()),
  GetRecordingSummary: async (_ask, answer) => openRecordings(fakeLink(() => answer).link)?.summary(never()),
  GetReplayUri: async (_ask, answer) => openRecordings(fakeLink(() => answer).link)?.replayUri('r1', never()),
};

/** The code of the error that the driver is meant to have; anything else goes on. */
async function worded(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return 'ok';
  } catch (error) {
    if (error instanceof DriverError) return error.code;
    throw error;
  }
}

async function answered(envelopeOf: unknown, text: string): Promise<string> {
  const body = (envelopeOf as { Body?: unknown } | null)?.Body;
  const names = typeof body === 'object' && body !== null ? Object.keys(body).slice(0, 4) : [];
  let out = '';
  for (const element of names) {
    const name = element.replace(/Response$/, '');
    const read = Object.hasOwn(READERS, name) ? READERS[name] : undefined;
    if (read === undefined) continue;
    const ask: Ask = async (_service, asked) => {
      const content = (body as Record<string, unknown>)[`${asked}Response`];
      if (content === undefined) throw new DriverError('camera.bad_answer', 'no such answer');
      return content === '' ? {} : content;
    };
    out += ` ${name}:${await worded(() => read(ask, text))}`;
  }
  return out;
}

/** Made once: the corpus is captured from the plain camera of the tests. */
export async function onvifTarget(): Promise<FuzzTarget> {
  return {
    name: 'onvif',
    corpus: [...(await plainAnswers()), ...OTHERS.map((one) => Buffer.from(one))],
    tokens: [
      '<',
      '>',
      '</',
      '/>',
      '<![CDATA[',
      '<!--',
      '<!DOCTYPE a>',
      '&amp;',
      '&#0;',
      '&#x10FFFF;',
      ' token="',
      '<tt:',
      'xmlns=""',
      '-1',
      '1e309',
      'NaN',
      '9'.repeat(40),
      '__proto__',
      '<__proto__>',
      '<constructor>',
      '<toString/>',
      '[]',
      'http://[',
      '%ff',
      '\u0000',
    ].map((one) => Buffer.from(one)),
    run: async (bytes) => {
      const text = bytes.toString('utf8');
      servicePath(text.slice(0, 400));
      let parsed: unknown;
      const outcome = await worded(async () => {
        parsed = await parseXml(text);
      });
      if (outcome !== 'ok') return outcome;
      const said = readFault(parsed);
      if (said !== undefined) return `fault ${faultError(said, 400).code}`;
      const cameras = readProbeMatches(parsed, { source: '192.0.2.7', networks: [NETWORK], isOurs: () => true });
      let events = 0;
      const noted = await worded(async () => {
        events = readNotify(parsed).map(meaningOf).length;
      });
      return `${Math.min(cameras.length, 2)} ${noted} ${Math.min(events, 2)}${await answered(parsed, text)}`;
    },
  };
}
