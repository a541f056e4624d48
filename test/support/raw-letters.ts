import type { Command } from '../../agent/contract/command.js';
import { type Signer, signStatement } from '../../agent/contract/jws.js';
import { seal } from '../../agent/contract/seal.js';
import { newId } from '../../agent/contract/text.js';
import { topics } from '../../agent/contract/topics.js';
import type { RecorderClient } from '../../scripts/portal/client/recorder-client.js';
import type { MqttTransport } from './mqtt-transport.js';
import { TENANT } from './people.js';

/** What a letter is made with; the newest status of the recorder is used. */
export interface LetterParts {
  readonly transport: MqttTransport;
  readonly client: RecorderClient;
  readonly signer: Signer;
}

/** A letter with its id, ready to be put on its topic as often as one likes. */
export interface Letter {
  readonly id: string;
  readonly text: string;
}

/** A question of the owner's, signed and sealed by hand so that it can be wrong: `changes` are signed too. */
export async function makeLetter(parts: LetterParts, changes: Partial<Command> = {}): Promise<Letter> {
  const command = await makeCommand(parts, changes);
  return sealLetter(parts, command.id, await signStatement('cmd+jws', command, parts.signer));
}

/** Any text, sealed as a command is. */
export async function sealLetter({ client }: LetterParts, id: string, content: string): Promise<Letter> {
  const status = client.status;
  if (status === undefined) throw new RangeError('no status of the recorder yet');
  return { id, text: await seal(content, status.seal) };
}

/** The command itself, not signed yet. */
export async function makeCommand({ client }: LetterParts, changes: Partial<Command> = {}): Promise<Command> {
  const status = client.status;
  if (status === undefined) throw new RangeError('no status of the recorder yet');
  const pair = await globalThis.crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']);
  const { kty, crv, x, y } = await globalThis.crypto.subtle.exportKey('jwk', pair.publicKey);
  return {
    v: 1,
    dev: status.dev,
    boot: status.boot,
    // Both run on this machine: what went by since the status was signed.
    at: status.up + Math.max(0, Date.now() - status.at),
    n: Date.now(),
    id: newId(),
    op: 'site.get',
    args: {},
    grant: null,
    badge: null,
    reply: { kty, crv, x, y } as Command['reply'],
    ...changes,
  };
}

/** Puts it on the topic of its id. */
export function post({ transport, client }: LetterParts, letter: Letter): Promise<void> {
  const serial = client.status?.dev ?? '';
  return transport.publish(topics.command({ tenant: TENANT, serial }, letter.id), letter.text);
}
