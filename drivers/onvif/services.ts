import * as z from 'zod/mini';
import { DriverError } from '../port.js';
import { servicePath } from './address.js';
import { first, many, read, text } from './shapes.js';

/** The services we speak, by namespace. */
export const SERVICES = {
  device: 'http://www.onvif.org/ver10/device/wsdl',
  media: 'http://www.onvif.org/ver10/media/wsdl',
  media2: 'http://www.onvif.org/ver20/media/wsdl',
  ptz: 'http://www.onvif.org/ver20/ptz/wsdl',
  imaging: 'http://www.onvif.org/ver20/imaging/wsdl',
  events: 'http://www.onvif.org/ver10/events/wsdl',
  deviceIo: 'http://www.onvif.org/ver10/deviceIO/wsdl',
  recording: 'http://www.onvif.org/ver10/recording/wsdl',
  search: 'http://www.onvif.org/ver10/search/wsdl',
  replay: 'http://www.onvif.org/ver10/replay/wsdl',
  analytics: 'http://www.onvif.org/ver20/analytics/wsdl',
} as const;
/** A service we speak. */
export type ServiceName = keyof typeof SERVICES;

/** Path and query of each service that the camera has. */
export type ServicePaths = ReadonlyMap<ServiceName, string>;

/** What is special about one operation. */
export interface AskExtras {
  /** Path and query on the reached host (see `servicePath`) instead of the service's own: the address of a subscription. */
  readonly path?: string;
  /** SOAP action where it is not `<namespace>/<name>`. */
  readonly action?: string;
  /** Finished XML for the SOAP header beside the login, e.g. wsa:MessageID; prefixes as in soap.ts. */
  readonly header?: string;
  /** False: never sent a second time when a kept connection breaks. By default that goes by the name (see session.ts). */
  readonly isRepeatable?: boolean;
  /** It takes long on purpose: it gets a connection of its own, so that it holds up nothing. */
  readonly isLongPoll?: boolean;
  /** The whole answer as text, before the promise resolves: what parsing loses (namespaces) can be found there. */
  readonly onText?: (xml: string) => void;
}

/**
 * One authorized operation within the deadline of the call it belongs to; `body` is the request element with a prefix of soap.ts.
 * Resolves with the content of the `<name>Response` element as shapes.ts reads it; rejects with DriverError.
 */
export type Ask = (service: ServiceName, name: string, body: string, extras?: AskExtras) => Promise<unknown>;

const Services = z.object({ Service: many(z.object({ Namespace: text, XAddr: text })) });
const WithAddress = first(z.object({ XAddr: text }));
const Extension = first(z.object({ DeviceIO: WithAddress, Recording: WithAddress, Search: WithAddress, Replay: WithAddress }));
const Capabilities = z.object({
  Capabilities: z.object({
    Device: WithAddress,
    Media: WithAddress,
    PTZ: WithAddress,
    Imaging: WithAddress,
    Events: WithAddress,
    Analytics: WithAddress,
    Extension,
  }),
});

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
    if (found.has('media') || found.has('media2')) return found;
  } catch (error) {
    const isMissing = error instanceof DriverError && ['camera.unsupported', 'camera.refused', 'camera.bad_answer'].includes(error.code);
    if (!isMissing) throw error;
  }
  const body = '<tds:GetCapabilities><tds:Category>All</tds:Category></tds:GetCapabilities>';
  const said = read(Capabilities, await ask('device', 'GetCapabilities', body), 'capabilities').Capabilities;
  return collect([
    ['device', said.Device?.XAddr],
    ['media', said.Media?.XAddr],
    ['ptz', said.PTZ?.XAddr],
    ['imaging', said.Imaging?.XAddr],
    ['events', said.Events?.XAddr],
    ['analytics', said.Analytics?.XAddr],
    ['deviceIo', said.Extension?.DeviceIO?.XAddr],
    ['recording', said.Extension?.Recording?.XAddr],
    ['search', said.Extension?.Search?.XAddr],
    ['replay', said.Extension?.Replay?.XAddr],
  ]);
}
