import * as z from 'zod/mini';
import { DriverError } from '../port.js';
import { servicePath } from './address.js';
import { first, many, read, text } from './shapes.js';

/** The services we speak, by namespace. */
export const SERVICES = {
  device: 'http://www.onvif.org/ver10/device/wsdl',
  media: 'http://www.onvif.org/ver10/media/wsdl',
  ptz: 'http://www.onvif.org/ver20/ptz/wsdl',
} as const;
/** A service we speak. */
export type ServiceName = keyof typeof SERVICES;

/** Path and query of each service that the camera has. */
export type ServicePaths = ReadonlyMap<ServiceName, string>;

/** One authorized operation within the deadline of the call it belongs to; resolves with the content of the response element. */
export type Ask = (service: ServiceName, name: string, body: string) => Promise<unknown>;

const Services = z.object({ Service: many(z.object({ Namespace: text, XAddr: text })) });
const WithAddress = first(z.object({ XAddr: text }));
const Capabilities = z.object({ Capabilities: z.object({ Device: WithAddress, Media: WithAddress, PTZ: WithAddress }) });

function collect(pairs: readonly (readonly [ServiceName | undefined, string | undefined])[]): ServicePaths {
  const paths = new Map<ServiceName, string>();
  for (const [name, xaddr] of pairs) {
    const path = servicePath(xaddr ?? '');
    if (name !== undefined && path !== undefined && !paths.has(name)) paths.set(name, path);
  }
  return paths;
}

function namedService(namespace: string): ServiceName | undefined {
  return (Object.keys(SERVICES) as ServiceName[]).find((name) => SERVICES[name] === namespace.replace(/\/$/, ''));
}

/** GetServices, or GetCapabilities where a camera is too old for it. Only paths are taken: host and port are the reached ones. */
export async function askServices(ask: Ask): Promise<ServicePaths> {
  try {
    const body = '<tds:GetServices><tds:IncludeCapability>false</tds:IncludeCapability></tds:GetServices>';
    const { Service } = read(Services, await ask('device', 'GetServices', body), 'list of services');
    const found = collect(Service.map(({ Namespace, XAddr }) => [namedService(Namespace), XAddr]));
    if (found.has('media')) return found;
  } catch (error) {
    const isMissing = error instanceof DriverError && ['camera.unsupported', 'camera.refused', 'camera.bad_answer'].includes(error.code);
    if (!isMissing) throw error;
  }
  const body = '<tds:GetCapabilities><tds:Category>All</tds:Category></tds:GetCapabilities>';
  const { Device, Media, PTZ } = read(Capabilities, await ask('device', 'GetCapabilities', body), 'capabilities').Capabilities;
  return collect([
    ['device', Device?.XAddr],
    ['media', Media?.XAddr],
    ['ptz', PTZ?.XAddr],
  ]);
}
