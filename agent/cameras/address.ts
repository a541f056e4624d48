import type { Login } from '../../drivers/port.js';
import { AgentError } from '../kernel/errors.js';
import { Secret } from '../kernel/secret.js';

/** An address a person wrote, taken apart. */
export interface CameraAddress {
  /** http or https, without login. */
  readonly deviceUri: string;
  /** The login inside the address, if any. */
  readonly login: Login | undefined;
}

const DEVICE_PATH = '/onvif/device_service';

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/**
 * Reads `onvif://[user:password@]host[:port][/path]`, the same with http or https, or a bare host. The path defaults to ONVIF's.
 * Throws `cameras.bad_address`; the text itself is not repeated, it may hold a password.
 */
export function parseCameraAddress(text: string): CameraAddress {
  const trimmed = text.trim();
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed.replace(/^onvif:/i, 'http:') : `http://${trimmed}`;
  const url = trimmed.length <= 512 && URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  const user = decoded(url?.username ?? '');
  const password = decoded(url?.password ?? '');
  const isUsable =
    url !== undefined && /^https?:$/.test(url.protocol) && url.hostname !== '' && user !== undefined && password !== undefined;
  if (!isUsable) {
    throw new AgentError({
      code: 'cameras.bad_address',
      say: 'This is not the address of a camera.',
      fix: 'Write it like onvif://192.0.2.7 or onvif://192.0.2.7:8080/onvif/device_service.',
    });
  }
  const path = url.pathname === '/' && url.search === '' ? DEVICE_PATH : `${url.pathname}${url.search}`;
  return {
    deviceUri: `${url.protocol}//${url.host}${path}`,
    login: user === '' ? undefined : { user, password: new Secret(password) },
  };
}

/** Host of a device address, for people; the whole text when it is no address. */
export function hostOf(deviceUri: string): string {
  return URL.canParse(deviceUri) ? new URL(deviceUri).hostname : deviceUri;
}

const WIRED = 'serial:';

/** What stands in place of an address for a camera whose picture comes by wire. */
export const wiredUri = (channelId: string): string => `${WIRED}${channelId}`;

/** The channel of a camera whose picture comes by wire; undefined for the address of any other. */
export function wiredChannel(deviceUri: string): string | undefined {
  return deviceUri.startsWith(WIRED) ? deviceUri.slice(WIRED.length) : undefined;
}

/** `host:port`, which tells whether two addresses are the same device. */
export function hostPortOf(deviceUri: string): string {
  if (!/^https?:/i.test(deviceUri) || !URL.canParse(deviceUri)) return deviceUri;
  const url = new URL(deviceUri);
  return `${url.hostname}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`;
}

/** Whether two endpoint references name the same device: they are written with and without `urn:`, in either case. */
export function isSameEndpoint(one: string, other: string): boolean {
  const plain = (endpoint: string): string => endpoint.toLowerCase().replace(/^urn:/, '');
  return plain(one) === plain(other);
}

/** Whether this endpoint lasts when the address changes; an address stands in its place until discovery told a better one. */
export function isLasting(endpoint: string): boolean {
  return !/^https?:/i.test(endpoint);
}
