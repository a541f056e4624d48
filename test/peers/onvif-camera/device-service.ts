/** The Device Management service: who the camera is and what it can do. */
import { networkInterfaces } from 'node:os';
import type { Operation, Service } from './operation.js';
import { getCapabilities, getServices, type ServicePrefix, serviceCapabilities } from './service-list.js';
import { invalidArgument, SoapFault } from './soap.js';
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
  readonly hasSpeaker: boolean;
}

/** The scopes as discovery and GetScopes give them. */
export function cameraScopes(identity: CameraIdentity): readonly string[] {
  const scope = (path: string): string => `onvif://www.onvif.org/${path}`;
  return [
    scope('type/video_encoder'),
    ...(identity.hasPtz ? [scope('type/ptz')] : []),
    scope('Profile/Streaming'),
    scope('Profile/T'),
    scope('Profile/G'),
    scope(`name/${encodeURIComponent(identity.name)}`),
    scope(`hardware/${encodeURIComponent(identity.hardware)}`),
    scope(`location/${encodeURIComponent(identity.location)}`),
  ];
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

/** The service for one camera; `endpoint` is its urn:uuid, `has` the services it has. Time, users and upkeep are in device-upkeep.ts. */
export function deviceService(identity: CameraIdentity, endpoint: string, has: readonly ServicePrefix[]): Service {
  const { manufacturer, model, firmware, serial, hardware } = identity;
  const facts = { Manufacturer: manufacturer, Model: model, FirmwareVersion: firmware, SerialNumber: serial, HardwareId: hardware };
  const open = (takes: readonly string[], answer: Operation['answer']): Operation => ({ access: 'PRE_AUTH', takes, answer });
  return {
    GetServices: open(['IncludeCapability'], (body, { baseUri }) => getServices(body, baseUri, has, identity.hasSpeaker)),
    GetServiceCapabilities: serviceCapabilities('tds'),
    GetCapabilities: {
      ...open(['Category'], (body, { baseUri }) => getCapabilities(body, baseUri, has, identity.hasSpeaker)),
      repeats: ['Category'],
    },
    GetEndpointReference: open([], () => {
      return `<tds:GetEndpointReferenceResponse><tds:GUID>${escapeXml(endpoint)}</tds:GUID></tds:GetEndpointReferenceResponse>`;
    }),
    GetHostname: open([], () => {
      const name = `<tt:FromDHCP>false</tt:FromDHCP><tt:Name>camera-${escapeXml(serial.toLowerCase())}</tt:Name>`;
      return `<tds:GetHostnameResponse><tds:HostnameInformation>${name}</tds:HostnameInformation></tds:GetHostnameResponse>`;
    }),
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
