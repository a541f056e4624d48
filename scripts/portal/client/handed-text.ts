import { parseGuarded } from '../../../agent/contract/guard.js';
import { Compact, Hash32, PublicJwk, parseShape, Serial } from '../../../agent/contract/shapes.js';
import { Operator } from '../../../agent/contract/statements.js';
import { fromBase64url, toBase64url, utf8 } from '../../../agent/contract/text.js';
import { AgentError } from '../../../agent/kernel/errors.js';

/**
 * Texts that pass from one screen to another as a QR code, a link or by copying. In a link they stand after the `#`: no server ever receives
 * them, and none keeps them in a log.
 */
export interface Handed {
  readonly serial: string;
  /** Thumbprint of the recorder's key: whoever gets the text knows the right recorder by it. */
  readonly deviceKey: string;
  /** A delegation (delegate+jws) or an offer (offer+jws). */
  readonly statement: string;
  /** Whom the recorder speaks with, so that a new owner can agree to it; the recorder compares it with the truth. Null: nobody. */
  readonly operator: Operator | null;
}

/** `join`: one more device of the owner. `take`: the recorder is handed over. */
export type HandedKind = 'join' | 'take';

/** A recorder whose owner has added the reader's key: which one it is, and its key. No secret. */
export type AddedTo = Pick<Handed, 'serial' | 'deviceKey'>;

function unreadable(say: string, fix: string): AgentError {
  return new AgentError({ code: 'portal.unreadable', say, fix });
}

/** The path of the page that takes the text, for the router: `['join', serial, deviceKey, statement, operator]`. */
export function handedPath(kind: HandedKind, { serial, deviceKey, statement, operator }: Handed): readonly string[] {
  return [kind, serial, deviceKey, statement, ...(operator === null ? [] : [toBase64url(utf8(JSON.stringify(operator)))])];
}

/** The link; `page` is the address of the app up to the `#`. */
export function handedLink(page: string, kind: HandedKind, handed: Handed): string {
  return `${page.replace(/#.*$/, '')}#/${handedPath(kind, handed).join('/')}`;
}

const partsOf = (kind: HandedKind, text: string): string[] => (text.trim().split(`#/${kind}/`)[1] ?? '').split('/');

/** What a scanned or pasted link says, whichever address of the app it begins with. @throws AgentError portal.unreadable */
export function readHanded(kind: HandedKind, text: string): Handed {
  const [serial, deviceKey, statement, operator, ...rest] = partsOf(kind, text);
  try {
    if (rest.length === 0) {
      return {
        serial: parseShape(Serial, serial),
        deviceKey: parseShape(Hash32, deviceKey),
        statement: parseShape(Compact, statement),
        operator: operator === undefined ? null : parseShape(Operator, parseGuarded(fromBase64url(operator))),
      };
    }
  } catch {
    // Said below.
  }
  throw kind === 'join'
    ? unreadable('This is not a link that adds a device.', 'Copy the whole link from the device that made it, or scan its code.')
    : unreadable('This is not an offer of a recorder.', 'Copy the whole link from the owner’s device, or scan its code.');
}

/** The link for a device whose key was added: by it the device knows the right recorder. */
export function addedLink(page: string, { serial, deviceKey }: AddedTo): string {
  return `${page.replace(/#.*$/, '')}#/join/${serial}/${deviceKey}`;
}

/** A link of either kind that makes a device one of the owner's. @throws AgentError portal.unreadable */
export function readJoin(text: string): Handed | AddedTo {
  const [serial, deviceKey, ...rest] = partsOf('join', text);
  try {
    if (deviceKey !== undefined && rest.length === 0)
      return { serial: parseShape(Serial, serial), deviceKey: parseShape(Hash32, deviceKey) };
  } catch {
    // Said below.
  }
  return readHanded('join', text);
}

const KEY_MARK = 'SLK1:';

/** A public key to show to another screen: `SLK1:x.y`. It tells nobody anything, so it may be seen by everybody. */
export function keyText({ x, y }: PublicJwk): string {
  return `${KEY_MARK}${x}.${y}`;
}

/** The key in such a text. That it is a point on the curve is checked by whoever imports it. @throws AgentError portal.unreadable */
export function readKeyText(text: string): PublicJwk {
  const [x, y, ...rest] = text.trim().startsWith(KEY_MARK) ? text.trim().slice(KEY_MARK.length).split('.') : [];
  try {
    if (rest.length === 0) return parseShape(PublicJwk, { kty: 'EC', crv: 'P-256', x, y });
  } catch {
    // Said below.
  }
  throw unreadable('This is not the key of a device.', 'Open the page on the other device again and scan or copy the whole text.');
}
