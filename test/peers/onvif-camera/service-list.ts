/** Which services a camera has, where they are, and what they can do: GetServices, GetCapabilities and GetServiceCapabilities. */
import type { Operation } from './operation.js';
import { SoapFault, SPACES } from './soap.js';
import { escapeXml, textAt, type XmlElement } from './xml.js';

/** The services, by their usual prefixes. */
export type ServicePrefix = 'tds' | 'trt' | 'tr2' | 'tptz' | 'timg' | 'tev' | 'tmd' | 'tse' | 'trc' | 'trp';

const CAPABILITIES: Readonly<Record<ServicePrefix, string>> = {
  tds: '<tds:Capabilities><tds:Network IPFilter="false" ZeroConfiguration="false" IPVersion6="false" DynDNS="false" NTP="4"/><tds:Security UsernameToken="true" HttpDigest="true" MaxUsers="16"/><tds:System DiscoveryResolve="false" DiscoveryBye="true" RemoteDiscovery="false" HttpFirmwareUpgrade="true"/><tds:Misc/></tds:Capabilities>',
  trt: '<trt:Capabilities SnapshotUri="true" Rotation="false" VideoSourceMode="false" OSD="true"><trt:ProfileCapabilities MaximumNumberOfProfiles="2"/><trt:StreamingCapabilities RTPMulticast="false" RTP_TCP="false" RTP_RTSP_TCP="true"/></trt:Capabilities>',
  tr2: '<tr2:Capabilities SnapshotUri="true" Rotation="false" VideoSourceMode="false" OSD="true" Mask="false"><tr2:ProfileCapabilities MaximumNumberOfProfiles="2" ConfigurationsSupported="VideoSource VideoEncoder PTZ"/><tr2:StreamingCapabilities RTSPStreaming="true" RTPMulticast="false" RTP_RTSP_TCP="true"/></tr2:Capabilities>',
  tptz: '<tptz:Capabilities EFlip="false" Reverse="false" MoveStatus="true" StatusPosition="true"/>',
  timg: '<timg:Capabilities ImageStabilization="false" Presets="false"/>',
  tev: '<tev:Capabilities WSSubscriptionPolicySupport="false" WSPausableSubscriptionManagerInterfaceSupport="false" MaxNotificationProducers="8" MaxPullPoints="8" PersistentNotificationStorage="false"/>',
  tmd: '<tmd:Capabilities VideoSources="1" VideoOutputs="0" AudioSources="0" AudioOutputs="0" RelayOutputs="2" DigitalInputs="2" DigitalInputOptions="true"/>',
  tse: '<tse:Capabilities MetadataSearch="false" GeneralStartEvents="false"/>',
  trc: '<trc:Capabilities DynamicRecordings="false" DynamicTracks="false" Encoding="H264" MaxRate="8192" MaxTotalRate="8192" MaxRecordings="1" MaxRecordingJobs="1" Options="true"/>',
  trp: '<trp:Capabilities ReversePlayback="false" SessionTimeoutRange="10 120" RTP_RTSP_TCP="true"/>',
};

/** Where each service is, and the version it names. */
const PLACES: Readonly<Record<ServicePrefix, readonly [path: string, major: number, minor: number]>> = {
  tds: ['/onvif/device_service', 21, 12],
  trt: ['/onvif/media_service', 20, 12],
  tr2: ['/onvif/media2_service', 20, 12],
  tptz: ['/onvif/ptz_service', 20, 12],
  timg: ['/onvif/imaging_service', 19, 6],
  tev: ['/onvif/event_service', 20, 12],
  tmd: ['/onvif/deviceio_service', 20, 12],
  tse: ['/onvif/search_service', 19, 12],
  trc: ['/onvif/recording_service', 20, 12],
  trp: ['/onvif/replay_service', 19, 12],
};

export const pathOf = (service: ServicePrefix): string => PLACES[service][0];

/** What a loudspeaker changes in what is told above. */
const WITH_SPEAKER: Readonly<Partial<Record<ServicePrefix, readonly [mute: string, speaking: string]>>> = {
  tmd: ['AudioOutputs="0"', 'AudioOutputs="1"'],
  tr2: ['"VideoSource VideoEncoder PTZ"', '"VideoSource VideoEncoder PTZ AudioOutput AudioDecoder"'],
};

function capabilities(service: ServicePrefix, hasSpeaker: boolean): string {
  const [mute, speaking] = (hasSpeaker ? WITH_SPEAKER[service] : undefined) ?? ['', ''];
  return CAPABILITIES[service].replace(mute, speaking);
}

/** GetServiceCapabilities of any of the services. */
export const serviceCapabilities = (service: ServicePrefix, hasSpeaker = false): Operation => ({
  access: 'PRE_AUTH',
  takes: [],
  answer: () =>
    `<${service}:GetServiceCapabilitiesResponse>${capabilities(service, hasSpeaker)}</${service}:GetServiceCapabilitiesResponse>`,
});

/** GetServices over the services that the camera has. */
export function getServices(body: XmlElement, baseUri: string, has: readonly ServicePrefix[], hasSpeaker: boolean): string {
  const wanted = textAt(body, 'IncludeCapability');
  if (wanted === undefined || !/^(true|false|0|1)$/.test(wanted))
    throw new SoapFault('Sender', ['ter:InvalidArgs'], 'IncludeCapability is missing');
  const isFull = wanted === 'true' || wanted === '1';
  const services = has.map((prefix) => {
    const [path, major, minor] = PLACES[prefix];
    const address = `<tds:Namespace>${SPACES[prefix]}</tds:Namespace><tds:XAddr>${escapeXml(baseUri + path)}</tds:XAddr>`;
    const told = isFull ? `<tds:Capabilities>${capabilities(prefix, hasSpeaker)}</tds:Capabilities>` : '';
    const number = `<tds:Version><tt:Major>${major}</tt:Major><tt:Minor>${minor}</tt:Minor></tds:Version>`;
    return `<tds:Service>${address}${told}${number}</tds:Service>`;
  });
  return `<tds:GetServicesResponse>${services.join('')}</tds:GetServicesResponse>`;
}

/** Category word of GetCapabilities, the service it stands for, and what stands behind its address. */
const CATEGORIES: readonly (readonly [category: string, service: ServicePrefix, more: string])[] = [
  ['Device', 'tds', '<tt:IO><tt:InputConnectors>2</tt:InputConnectors><tt:RelayOutputs>2</tt:RelayOutputs></tt:IO>'],
  [
    'Events',
    'tev',
    '<tt:WSSubscriptionPolicySupport>false</tt:WSSubscriptionPolicySupport><tt:WSPullPointSupport>true</tt:WSPullPointSupport><tt:WSPausableSubscriptionManagerInterfaceSupport>false</tt:WSPausableSubscriptionManagerInterfaceSupport>',
  ],
  ['Imaging', 'timg', ''],
  [
    'Media',
    'trt',
    '<tt:StreamingCapabilities><tt:RTPMulticast>false</tt:RTPMulticast><tt:RTP_TCP>false</tt:RTP_TCP><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP></tt:StreamingCapabilities>',
  ],
  ['PTZ', 'tptz', ''],
];

/** In the extension of GetCapabilities, for "All" only. */
const EXTENSIONS: readonly (readonly [name: string, service: ServicePrefix, more: string])[] = [
  [
    'DeviceIO',
    'tmd',
    '<tt:VideoSources>1</tt:VideoSources><tt:VideoOutputs>0</tt:VideoOutputs><tt:AudioSources>0</tt:AudioSources><tt:AudioOutputs>0</tt:AudioOutputs><tt:RelayOutputs>2</tt:RelayOutputs>',
  ],
  [
    'Recording',
    'trc',
    '<tt:ReceiverSource>false</tt:ReceiverSource><tt:MediaProfileSource>true</tt:MediaProfileSource><tt:DynamicRecordings>false</tt:DynamicRecordings><tt:DynamicTracks>false</tt:DynamicTracks><tt:MaxStringLength>64</tt:MaxStringLength>',
  ],
  ['Search', 'tse', '<tt:MetadataSearch>false</tt:MetadataSearch>'],
  ['Replay', 'trp', ''],
];

/** GetCapabilities, the older way to ask; Media2 is not in it. */
export function getCapabilities(body: XmlElement, baseUri: string, has: readonly ServicePrefix[], hasSpeaker: boolean): string {
  const wanted = body.children.map((one) => one.text.trim());
  const isAll = wanted.length === 0 || wanted.includes('All');
  const known = CATEGORIES.filter(([, service]) => has.includes(service));
  for (const one of wanted) {
    if (one !== 'All' && !known.some(([category]) => category === one))
      throw new SoapFault('Receiver', ['ter:ActionNotSupported', 'ter:NoSuchService'], `No ${one} service`);
  }
  const block = ([name, service, more]: readonly [string, ServicePrefix, string]): string =>
    `<tt:${name}><tt:XAddr>${escapeXml(baseUri + pathOf(service))}</tt:XAddr>${more}</tt:${name}>`;
  const parts = known.filter(([category]) => isAll || wanted.includes(category)).map(block);
  const further = isAll
    ? EXTENSIONS.filter(([, service]) => has.includes(service))
        .map(block)
        .join('')
        .replace('<tt:AudioOutputs>0<', `<tt:AudioOutputs>${hasSpeaker ? 1 : 0}<`)
    : '';
  const extension = further === '' ? '' : `<tt:Extension>${further}</tt:Extension>`;
  return `<tds:GetCapabilitiesResponse><tds:Capabilities>${parts.join('')}${extension}</tds:Capabilities></tds:GetCapabilitiesResponse>`;
}
