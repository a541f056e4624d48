/** Answers of a Profile T camera with every PTZ ability, texts in the picture and snapshots; for soap-fake.ts, over soap-answers.ts. */
import { answer, fault, plainCamera } from './soap-answers.js';
import type { FakeAnswer, FakeRequest, Responder } from './soap-fake.js';

const service = (space: string, path: string): string =>
  `<tds:Service><tds:Namespace>http://www.onvif.org/${space}/wsdl</tds:Namespace><tds:XAddr>http://10.9.9.9${path}</tds:XAddr><tds:Version><tt:Major>2</tt:Major><tt:Minor>6</tt:Minor></tds:Version></tds:Service>`;

const MULTICAST =
  '<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address><tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>';

/** A VideoEncoder2Configuration; `tag` is tr2:VideoEncoder or tr2:Configurations. */
export function encoder2(tag: string, token: string, width: number, codec = 'H265'): string {
  return (
    `<${tag} token="${token}" GovLength="50" Profile="Main"><tt:Name>${token} name</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>${codec}</tt:Encoding>` +
    `<tt:Resolution><tt:Width>${width}</tt:Width><tt:Height>${width / 2}</tt:Height></tt:Resolution>` +
    `<tt:RateControl ConstantBitRate="false"><tt:FrameRateLimit>12.5</tt:FrameRateLimit><tt:BitrateLimit>4096</tt:BitrateLimit></tt:RateControl>${MULTICAST}` +
    `<tt:Quality>3</tt:Quality></${tag}>`
  );
}

/** What a Media2 camera has: token of the profile, its encoder's picture, its video source. */
export interface Profile2 {
  readonly token: string;
  readonly width: number;
  readonly codec: string;
  readonly source: string;
}

/** Media2 GetProfiles of one Type: what was not asked for is left out. */
export function profiles2(type: string, all: readonly Profile2[]): FakeAnswer {
  const part = ({ token, width, codec, source }: Profile2): string => {
    if (type === 'VideoEncoder') return encoder2('tr2:VideoEncoder', `enc-${token}`, width, codec);
    if (type === 'VideoSource') {
      return (
        `<tr2:VideoSource token="vsc-${source}"><tt:Name>v</tt:Name><tt:UseCount>1</tt:UseCount><tt:SourceToken>${source}</tt:SourceToken>` +
        '<tt:Bounds x="0" y="0" width="1" height="1"/></tr2:VideoSource>'
      );
    }
    return '<tr2:PTZ token="ptz-1"><tt:Name>p</tt:Name><tt:UseCount>1</tt:UseCount><tt:NodeToken>node-1</tt:NodeToken></tr2:PTZ>';
  };
  const each = (profile: Profile2): string =>
    `<tr2:Profiles token="${profile.token}"><tr2:Name>${profile.token} name</tr2:Name><tr2:Configurations>${part(profile)}</tr2:Configurations></tr2:Profiles>`;
  return answer('tr2:GetProfiles', all.map(each).join(''));
}

export const TWO: readonly Profile2[] = [
  { token: 'main', width: 3840, codec: 'H265', source: 'source-1' },
  { token: 'sub', width: 640, codec: 'H264', source: 'source-1' },
];

const OPTIONS2 = ['H264', 'H265']
  .map(
    (codec) =>
      `<tr2:Options GovLengthRange="1 200" FrameRatesSupported="25 12.5 5"><tt:Encoding>${codec}</tt:Encoding><tt:QualityRange><tt:Min>1</tt:Min><tt:Max>5</tt:Max></tt:QualityRange>` +
      '<tt:ResolutionsAvailable><tt:Width>3840</tt:Width><tt:Height>1920</tt:Height></tt:ResolutionsAvailable><tt:BitrateRange><tt:Min>64</tt:Min><tt:Max>8192</tt:Max></tt:BitrateRange></tr2:Options>',
  )
  .join('');

const range = (min: number, max: number): string => `<tt:Min>${min}</tt:Min><tt:Max>${max}</tt:Max>`;
const space = (name: string, kind: string, min: number, isFlat: boolean): string =>
  `<tt:${name}><tt:URI>http://www.onvif.org/ver10/tptz/${kind}</tt:URI><tt:XRange>${range(min, 1)}</tt:XRange>${isFlat ? `<tt:YRange>${range(-1, 1)}</tt:YRange>` : ''}</tt:${name}>`;

export const NODE =
  '<tptz:PTZNode token="node-1"><tt:SupportedPTZSpaces>' +
  space('AbsolutePanTiltPositionSpace', 'PanTiltSpaces/PositionGenericSpace', -1, true) +
  space('AbsoluteZoomPositionSpace', 'ZoomSpaces/PositionGenericSpace', 0, false) +
  space('RelativePanTiltTranslationSpace', 'PanTiltSpaces/TranslationGenericSpace', -1, true) +
  space('RelativeZoomTranslationSpace', 'ZoomSpaces/TranslationGenericSpace', -1, false) +
  space('ContinuousPanTiltVelocitySpace', 'PanTiltSpaces/VelocityGenericSpace', -1, true) +
  space('ContinuousZoomVelocitySpace', 'ZoomSpaces/VelocityGenericSpace', -1, false) +
  '</tt:SupportedPTZSpaces><tt:MaximumNumberOfPresets>8</tt:MaximumNumberOfPresets><tt:HomeSupported>true</tt:HomeSupported>' +
  '<tt:AuxiliaryCommands>tt:Wiper|On</tt:AuxiliaryCommands><tt:AuxiliaryCommands>tt:Wiper|Off</tt:AuxiliaryCommands>' +
  '<tt:Extension><tt:SupportedPresetTour><tt:MaximumNumberOfPresetTours>1</tt:MaximumNumberOfPresetTours></tt:SupportedPresetTour></tt:Extension></tptz:PTZNode>';

const OSD = (prefix: string): string =>
  `<${prefix}:OSDs token="osd-1"><tt:VideoSourceConfigurationToken>vsc-source-1</tt:VideoSourceConfigurationToken><tt:Type>Text</tt:Type>` +
  '<tt:Position><tt:Type>Custom</tt:Type><tt:Pos x="-0.9" y="0.9"/></tt:Position><tt:TextString><tt:Type>Plain</tt:Type><tt:FontSize>20</tt:FontSize><tt:PlainText>Yard &amp; gate</tt:PlainText></tt:TextString>' +
  `</${prefix}:OSDs><${prefix}:OSDs token="osd-2"><tt:VideoSourceConfigurationToken>vsc-source-1</tt:VideoSourceConfigurationToken><tt:Type>Text</tt:Type>` +
  `<tt:Position><tt:Type>UpperRight</tt:Type></tt:Position><tt:TextString><tt:Type>DateAndTime</tt:Type></tt:TextString></${prefix}:OSDs>`;

const typeOf = (xml: string): string => /<tr2:Type>(\w+)</.exec(xml)?.[1] ?? '';
const empty = (name: string): FakeAnswer => answer(name, '');
/** Whether a request went to Media2: both services have operations of the same name. */
export const isMedia2 = ({ xml }: FakeRequest): boolean => /<(?:\w+:)?Body>\s*<tr2:/.test(xml);

/** What only this camera answers; `undefined` falls back to the plain one. */
function rich(request: FakeRequest): FakeAnswer | undefined {
  const prefix = isMedia2(request) ? 'tr2' : 'trt';
  const at = `${isMedia2(request) ? '2 ' : ''}${request.operation}`;
  const answers: Readonly<Record<string, () => FakeAnswer>> = {
    GetServices: () =>
      answer(
        'tds:GetServices',
        service('ver10/device', '/onvif/device_service') +
          service('ver10/media', '/onvif/media') +
          service('ver20/media', '/onvif/media2') +
          service('ver20/ptz', '/onvif/ptz'),
      ),
    '2 GetProfiles': () => profiles2(typeOf(request.xml), TWO),
    '2 GetStreamUri': () => answer('tr2:GetStreamUri', '<tr2:Uri>rtsp://10.9.9.9/two?x=1</tr2:Uri>'),
    '2 GetSnapshotUri': () => answer('tr2:GetSnapshotUri', '<tr2:Uri>http://10.9.9.9:8000/snap.jpg?</tr2:Uri>'),
    '2 SetSynchronizationPoint': () => empty('tr2:SetSynchronizationPoint'),
    '2 GetVideoEncoderConfigurations': () =>
      answer(
        'tr2:GetVideoEncoderConfigurations',
        encoder2('tr2:Configurations', 'enc-main', 3840) + encoder2('tr2:Configurations', 'enc-sub', 640, 'H264'),
      ),
    '2 GetVideoEncoderConfigurationOptions': () => answer('tr2:GetVideoEncoderConfigurationOptions', OPTIONS2),
    '2 SetVideoEncoderConfiguration': () => empty('tr2:SetVideoEncoderConfiguration'),
    GetSnapshotUri: () => answer('trt:GetSnapshotUri', '<trt:MediaUri><tt:Uri>http://10.9.9.9/snap1.jpg</tt:Uri></trt:MediaUri>'),
    GetOSDs: () => answer(`${prefix}:GetOSDs`, OSD(prefix)),
    SetOSD: () => empty(`${prefix}:SetOSD`),
    CreateOSD: () => answer(`${prefix}:CreateOSD`, `<${prefix}:OSDToken>osd-9</${prefix}:OSDToken>`),
    DeleteOSD: () => empty(`${prefix}:DeleteOSD`),
    GetNetworkProtocols: () =>
      answer(
        'tds:GetNetworkProtocols',
        '<tds:NetworkProtocols><tt:Name>HTTP</tt:Name><tt:Enabled>true</tt:Enabled><tt:Port>80</tt:Port></tds:NetworkProtocols>' +
          '<tds:NetworkProtocols><tt:Name>RTSP</tt:Name><tt:Enabled>true</tt:Enabled><tt:Port>10554</tt:Port></tds:NetworkProtocols>',
      ),
    GetNode: () => answer('tptz:GetNode', NODE),
    GetPresets: () =>
      answer(
        'tptz:GetPresets',
        '<tptz:Preset token="1"><tt:Name>Gate &lt;1&gt;</tt:Name></tptz:Preset><tptz:Preset token="2"/><tptz:Preset><tt:Name>no token</tt:Name></tptz:Preset>',
      ),
    SetPreset: () => answer('tptz:SetPreset', '<tptz:PresetToken>7</tptz:PresetToken>'),
    GetStatus: () =>
      answer(
        'tptz:GetStatus',
        '<tptz:PTZStatus><tt:Position><tt:PanTilt x="0.5" y="-0.25" space="http://www.onvif.org/ver10/tptz/PanTiltSpaces/PositionGenericSpace"/><tt:Zoom x="0.75"/></tt:Position>' +
          '<tt:MoveStatus><tt:PanTilt>MOVING</tt:PanTilt><tt:Zoom>IDLE</tt:Zoom></tt:MoveStatus><tt:Error>NO error</tt:Error><tt:UtcTime>2026-01-01T00:00:00Z</tt:UtcTime></tptz:PTZStatus>',
      ),
    GetPresetTours: () =>
      answer(
        'tptz:GetPresetTours',
        '<tptz:PresetTour token="t1"><tt:Name>Round</tt:Name><tt:Status><tt:State>Touring</tt:State></tt:Status><tt:AutoStart>false</tt:AutoStart><tt:StartingCondition/></tptz:PresetTour>',
      ),
    SendAuxiliaryCommand: () => answer('tptz:SendAuxiliaryCommand', '<tptz:AuxiliaryResponse>OK</tptz:AuxiliaryResponse>'),
  };
  const quiet = ['GotoPreset', 'RemovePreset', 'GotoHomePosition', 'SetHomePosition', 'AbsoluteMove', 'RelativeMove', 'OperatePresetTour'];
  if (quiet.includes(request.operation)) return empty(`tptz:${request.operation}`);
  const made = Object.hasOwn(answers, at) ? answers[at] : undefined;
  if (made === undefined && isMedia2(request) && !Object.hasOwn(answers, request.operation)) return fault(['ActionNotSupported'], 'no');
  return (made ?? answers[request.operation])?.();
}

/** The rich camera; `special` answers instead where it returns something. */
export function richCamera(special: (request: FakeRequest) => ReturnType<Responder> = () => undefined): Responder {
  return plainCamera(async (request) => (await special(request)) ?? rich(request));
}
