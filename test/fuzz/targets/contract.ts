/** Every message from outside: JSON, its shapes, signed statements, sealed parts, typed codes, labels, certificates. */
import { readCode, readLabel } from '../../../agent/contract/code.js';
import { Command } from '../../../agent/contract/command.js';
import { CONTROL, ControlReply, ControlRequest } from '../../../agent/contract/control.js';
import { readCsr } from '../../../agent/contract/der.js';
import { parseGuarded } from '../../../agent/contract/guard.js';
import { claimedKid, unverifiedPayload } from '../../../agent/contract/jws.js';
import { OPERATIONS } from '../../../agent/contract/operations.js';
import { parseShape } from '../../../agent/contract/shapes.js';
import { SiteFile } from '../../../agent/contract/site-file.js';
import { Badge, Consent, Delegation, Grant, HandOverAccept, HandOverOffer, Status, Withdraw } from '../../../agent/contract/statements.js';
import { AgentError } from '../../../agent/kernel/errors.js';
import type { FuzzTarget } from '../engine.js';

type Shape = Parameters<typeof parseShape>[0];

const SHAPES: readonly Shape[] = [
  ...[Command, ControlRequest, ControlReply, SiteFile, Badge, Consent, Delegation, Grant, HandOverAccept, HandOverOffer, Status, Withdraw],
  ...Object.values(OPERATIONS).map(({ args }) => args),
  ...Object.values(CONTROL).map(({ args }) => args),
] as unknown as readonly Shape[];

/** The code of the error that the contract is meant to throw; anything else goes on. */
function worded(work: () => unknown): string {
  try {
    work();
    return 'ok';
  } catch (error) {
    if (error instanceof AgentError) return error.code;
    throw error;
  }
}

async function certificate(bytes: Buffer): Promise<string> {
  try {
    await readCsr(Uint8Array.from(bytes));
    return 'csr';
  } catch (error) {
    if (error instanceof AgentError) return error.code;
    throw error;
  }
}

function judged(bytes: Buffer): string {
  let value: unknown;
  const parsed = worded(() => {
    value = parseGuarded(bytes);
  });
  if (parsed !== 'ok') return parsed;
  let good = '';
  for (const [at, shape] of SHAPES.entries()) if (worded(() => parseShape(shape, value)) === 'ok') good += `${at} `;
  return good;
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const ID = 'AAAAAAAAAAAAAAAAAAAAAA';

export const contract: FuzzTarget = {
  name: 'contract',
  corpus: [
    json({ op: 'status' }),
    json({ op: 'withdraw', args: { ids: [ID] }, source: 'button' }),
    json({ cam: 'cam-1', pan: 0.5, tilt: 0, zoom: 0 }),
    json({ cam: 'cam-1', stream: 'main', offer: 'v=0' }),
    json({ ok: false, code: 'a.b', say: 'no', fix: 'yes', retryable: false }),
    json({
      v: 1,
      cloud: { url: 'mqtts://cloud.example.org' },
      serial: [{ path: '/dev/ttyUSB0', baudRate: 2400, parity: 'none', protocol: 'pelco-d', units: { '1': 'cam-1' } }],
    }),
    json({ v: 1, dev: 'SL-0001', org: { name: 'Alarms Ltd' }, scopes: ['live-view'], cams: null, hours: null, iat: 1, exp: 2, id: ID }),
    json({ v: 1, id: ID, op: 'live.open', args: { cam: 'cam-1' }, at: 1 }),
    Buffer.from(
      `${Buffer.from('{"alg":"ES256","typ":"grant+jws","kid":"x"}').toString('base64url')}.${Buffer.from('{"v":1}').toString('base64url')}.AAAA`,
    ),
    Buffer.from('SL:1;S:SL-0001;C:1234-5678;R:EU'),
    Buffer.from('3081b13059020100300', 'hex'),
  ],
  tokens: [
    '"',
    '{',
    '}',
    '[',
    ']',
    '__proto__',
    '\\u0000',
    '1e999',
    '-0',
    'null',
    '.',
    ',',
    ':',
    '[[[[[[[[',
    '{"a":',
    '\ud83d',
    'constructor',
    ID,
  ].map((one) => Buffer.from(one)),
  run: async (bytes) => {
    const text = bytes.toString('utf8');
    const words = [
      judged(bytes),
      worded(() => claimedKid(text, 'grant+jws')),
      worded(() => unverifiedPayload(text)),
      worded(() => readCode(text.slice(0, 200))),
      worded(() => readLabel(text.slice(0, 500))),
      await certificate(bytes),
    ];
    return words.join(' ');
  },
};
