import { createHash } from 'node:crypto';
import type { Login } from '../port.js';
import { escapeXml } from './xml.js';

const BASE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss';

/**
 * WS-Security UsernameToken with password digest: Base64(SHA-1(nonce + created + password)). `createdAt` is in the camera's own
 * time, `nonce` fresh random bytes of every request. Elements are unprefixed because some cameras look for them by that name.
 */
export function usernameToken(login: Login, createdAt: number, nonce: Uint8Array): string {
  const created = new Date(createdAt).toISOString();
  const digest = createHash('sha1').update(nonce).update(created, 'utf8').update(login.password.reveal(), 'utf8').digest('base64');
  return (
    `<Security s:mustUnderstand="1" xmlns="${BASE}-wssecurity-secext-1.0.xsd"><UsernameToken>` +
    `<Username>${escapeXml(login.user)}</Username>` +
    `<Password Type="${BASE}-username-token-profile-1.0#PasswordDigest">${digest}</Password>` +
    `<Nonce EncodingType="${BASE}-soap-message-security-1.0#Base64Binary">${Buffer.from(nonce).toString('base64')}</Nonce>` +
    `<Created xmlns="${BASE}-wssecurity-utility-1.0.xsd">${created}</Created>` +
    '</UsernameToken></Security>'
  );
}
