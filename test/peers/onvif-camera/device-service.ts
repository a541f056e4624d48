/** The Device Management service: who the camera is, what it can do, what time it has. */
import { networkInterfaces } from 'node:os';
import type { Operation, Service } from './operation.js';
import { invalidArgument, SoapFault, SPACES } from './soap.js';
import { escapeXml, textAt, type XmlElement } from './xml.js';

/** What the camera says about itself. */
export interface CameraIdentity {
  readonly name: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly firmware: string;
  readonly serial: string;
  readonly hardware: string;
  readonly location: string;
  readonly hasPtz: boolean;
}

/** The scopes as discovery and GetScopes give them. */
export function cameraScopes(identity: CameraIdentity): readonly string[] {
  const scope = (path: string): string => `onvif://www.onvif.org/${path}`;
  return [
    scope('type/video_encoder'),
    ...(identity.hasPtz ? [scope('type/ptz')] : []),
    scope('Profile/Streaming'),
    scope(`name/${encodeURIComponent(identity.name)}`),
    scope(`hardware/${encodeURIComponent(identity.hardware)}`),
    scope(`location/${encodeURIComponent(identity.location)}`),
  ];
}

const dateTime = (at: Date): string => {
  const time = `<tt:Hour>${at.getUTCHours()}</tt:Hour><tt:Minute>${at.getUTCMinutes()}</tt:Minute><tt:Second>${at.getUTCSeconds()}</tt:Second>`;
  const date = `<tt:Year>${at.getUTCFullYear()}</tt:Year><tt:Month>${at.getUTCMonth() + 1}</tt:Month><tt:Day>${at.getUTCDate()}</tt:Day>`;
  return `<tt:Time>${time}</tt:Time><tt:Date>${date}</tt:Date>`;
};

const CAPABILITIES = {
  tds: `<tds:Capabilities><tds:Network IPFilter="false" ZeroConfiguration="false" IPVersion6="false" DynDNS="false"/><tds:Security UsernameToken="true" HttpDigest="true"/><tds:System DiscoveryResolve="false" DiscoveryBye="true" RemoteDiscovery="false"/></tds:Capabilities>`,
  trt: `<trt:Capabilities SnapshotUri="true" Rotation="false" VideoSourceMode="false" OSD="false"><trt:ProfileCapabilities MaximumNumberOfProfiles="2"/><trt:StreamingCapabilities RTPMulticast="false" RTP_TCP="false" RTP_RTSP_TCP="true"/></trt:Capabilities>`,
  tptz: `<tptz:Capabilities EFlip="false" Reverse="false" MoveStatus="true" StatusPosition="true"/>`,
} as const;

/** GetServiceCapabilities of any of the three services. */
export const serviceCapabilities = (service: keyof typeof CAPABILITIES): Operation => ({
  access: 'PRE_AUTH',
  takes: [],
  answer: () => `<${service}:GetServiceCapabilitiesResponse>${CAPABILITIES[service]}</${service}:GetServiceCapabilitiesResponse>`,
});

interface Listed {
  readonly prefix: keyof typeof CAPABILITIES;
  readonly path: string;
  readonly version: readonly [number, number];
}

const listedServices = (hasPtz: boolean): readonly Listed[] => [
  { prefix: 'tds', path: '/onvif/device_service', version: [21, 12] },
  { prefix: 'trt', path: '/onvif/media_service', version: [20, 12] },
  ...(hasPtz ? [{ prefix: 'tptz', path: '/onvif/ptz_service', version: [20, 12] } as const] : []),
];

function getServices(body: XmlElement, baseUri: string, hasPtz: boolean): string {
  const wanted = textAt(body, 'IncludeCapability');
  if (wanted === undefined || !/^(true|false|0|1)$/.test(wanted))
    throw new SoapFault('Sender', ['ter:InvalidArgs'], 'IncludeCapability is missing');
  const isFull = wanted === 'true' || wanted === '1';
  const services = listedServices(hasPtz).map(({ prefix, path, version }) => {
    const address = `<tds:Namespace>${SPACES[prefix]}</tds:Namespace><tds:XAddr>${escapeXml(baseUri + path)}</tds:XAddr>`;
    const capabilities = isFull ? `<tds:Capabilities>${CAPABILITIES[prefix]}</tds:Capabilities>` : '';
    const number = `<tds:Version><tt:Major>${version[0]}</tt:Major><tt:Minor>${version[1]}</tt:Minor></tds:Version>`;
    return `<tds:Service>${address}${capabilities}${number}</tds:Service>`;
  });
  return `<tds:GetServicesResponse>${services.join('')}</tds:GetServicesResponse>`;
}

function getCapabilities(body: XmlElement, baseUri: string, hasPtz: boolean): string {
  const wanted = body.children.map((one) => one.text.trim());
  const has = (category: string): boolean => wanted.length === 0 || wanted.includes('All') || wanted.includes(category);
  for (const one of wanted) {
    const isOurs = ['All', 'Device', 'Media', ...(hasPtz ? ['PTZ'] : [])].includes(one);
    if (!isOurs) throw new SoapFault('Receiver', ['ter:ActionNotSupported', 'ter:NoSuchService'], `No ${one} service`);
  }
  const address = (path: string): string => `<tt:XAddr>${escapeXml(baseUri + path)}</tt:XAddr>`;
  const streaming = '<tt:RTPMulticast>false</tt:RTPMulticast><tt:RTP_TCP>false</tt:RTP_TCP><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP>';
  const parts = [
    has('Device') ? `<tt:Device>${address('/onvif/device_service')}</tt:Device>` : '',
    has('Media')
      ? `<tt:Media>${address('/onvif/media_service')}<tt:StreamingCapabilities>${streaming}</tt:StreamingCapabilities></tt:Media>`
      : '',
    hasPtz && has('PTZ') ? `<tt:PTZ>${address('/onvif/ptz_service')}</tt:PTZ>` : '',
  ];
  return `<tds:GetCapabilitiesResponse><tds:Capabilities>${parts.join('')}</tds:Capabilities></tds:GetCapabilitiesResponse>`;
}

function getNetworkInterfaces(): string {
  const found = Object.entries(networkInterfaces()).flatMap(([name, addresses]) => {
    const four = addresses?.find((one) => one.family === 'IPv4');
    return four === undefined ? [] : [{ name, address: four.address, prefix: Number(four.cidr?.split('/')[1] ?? 32), mac: four.mac }];
  });
  const rows = found.map(({ name, address, prefix, mac }) => {
    const manual = `<tt:Manual><tt:Address>${address}</tt:Address><tt:PrefixLength>${prefix}</tt:PrefixLength></tt:Manual>`;
    const info = `<tt:Info><tt:Name>${escapeXml(name)}</tt:Name><tt:HwAddress>${mac.toUpperCase()}</tt:HwAddress></tt:Info>`;
    const four = `<tt:IPv4><tt:Enabled>true</tt:Enabled><tt:Config>${manual}<tt:DHCP>false</tt:DHCP></tt:Config></tt:IPv4>`;
    return `<tds:NetworkInterfaces token="${escapeXml(name)}"><tt:Enabled>true</tt:Enabled>${info}${four}</tds:NetworkInterfaces>`;
  });
  return `<tds:GetNetworkInterfacesResponse>${rows.join('')}</tds:GetNetworkInterfacesResponse>`;
}

/** The service for one camera; `endpoint` is its urn:uuid. */
export function deviceService(identity: CameraIdentity, endpoint: string): Service {
  const { manufacturer, model, firmware, serial, hardware, hasPtz } = identity;
  const facts = { Manufacturer: manufacturer, Model: model, FirmwareVersion: firmware, SerialNumber: serial, HardwareId: hardware };
  return {
    GetSystemDateAndTime: {
      access: 'PRE_AUTH',
      takes: [],
      answer: (_body, { now }) => {
        const utc = `<tt:UTCDateTime>${dateTime(new Date(now))}</tt:UTCDateTime>`;
        const zone = '<tt:TimeZone><tt:TZ>UTC0</tt:TZ></tt:TimeZone>';
        const all = `<tt:DateTimeType>Manual</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>${zone}${utc}`;
        return `<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime>${all}</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`;
      },
    },
    GetServices: { access: 'PRE_AUTH', takes: ['IncludeCapability'], answer: (body, { baseUri }) => getServices(body, baseUri, hasPtz) },
    GetServiceCapabilities: serviceCapabilities('tds'),
    GetCapabilities: { access: 'PRE_AUTH', takes: ['Category'], answer: (body, { baseUri }) => getCapabilities(body, baseUri, hasPtz) },
    GetEndpointReference: {
      access: 'PRE_AUTH',
      takes: [],
      answer: () => `<tds:GetEndpointReferenceResponse><tds:GUID>${escapeXml(endpoint)}</tds:GUID></tds:GetEndpointReferenceResponse>`,
    },
    GetHostname: {
      access: 'PRE_AUTH',
      takes: [],
      answer: () => {
        const name = `<tt:FromDHCP>false</tt:FromDHCP><tt:Name>camera-${escapeXml(serial.toLowerCase())}</tt:Name>`;
        return `<tds:GetHostnameResponse><tds:HostnameInformation>${name}</tds:HostnameInformation></tds:GetHostnameResponse>`;
      },
    },
    GetDeviceInformation: {
      access: 'READ_SYSTEM',
      takes: [],
      answer: () => {
        const rows = Object.entries(facts).map(([name, value]) => `<tds:${name}>${escapeXml(value)}</tds:${name}>`);
        return `<tds:GetDeviceInformationResponse>${rows.join('')}</tds:GetDeviceInformationResponse>`;
      },
    },
    GetScopes: {
      access: 'READ_SYSTEM',
      takes: [],
      answer: () => {
        const rows = cameraScopes(identity).map((scope) => {
          return `<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef><tt:ScopeItem>${escapeXml(scope)}</tt:ScopeItem></tds:Scopes>`;
        });
        return `<tds:GetScopesResponse>${rows.join('')}</tds:GetScopesResponse>`;
      },
    },
    GetNetworkInterfaces: { access: 'READ_SYSTEM', takes: [], answer: getNetworkInterfaces },
  };
}

/** A reference token of the request that must name something. */
export function requireToken(body: XmlElement, name: string, known: readonly string[], fault: string): string {
  const token = textAt(body, name);
  if (token === undefined) throw new SoapFault('Sender', ['ter:InvalidArgs'], `${name} is missing`);
  if (!known.includes(token)) throw invalidArgument(fault, `No such ${name}`);
  return token;
}
