#!/usr/bin/env node
/**
 * Verifies an exported operation log of a Sightline recorder (`sightline log export`). One file, no dependency; runs in Node 20 and in a browser
 * (`verifyLog`). It trusts nothing in the export but the mathematics: every row's text is hashed, chained and put into an RFC 6962 Merkle tree,
 * every checkpoint's signature (ES256) is checked with the recorder's key, and what was left out is said.
 *
 * Whose key it is the export cannot prove: compare the printed thumbprint with the one that the owner's app shows.
 */

const HASH_BYTES = 32;
const utf8 = (text) => new TextEncoder().encode(text);
const K = new Uint32Array(64);
const START = new Uint32Array(8);

/** Square and cube roots of the first primes, as FIPS 180-4 section 4.2.2 and 5.3.3 define the constants. */
function fillConstants() {
  const fraction = (value) => Math.floor((value - Math.floor(value)) * 2 ** 32);
  let found = 0;
  for (let candidate = 2; found < 64; candidate += 1) {
    let isPrime = true;
    for (let divisor = 2; divisor * divisor <= candidate; divisor += 1) if (candidate % divisor === 0) isPrime = false;
    if (!isPrime) continue;
    if (found < 8) START[found] = fraction(Math.sqrt(candidate));
    K[found] = fraction(Math.cbrt(candidate));
    found += 1;
  }
}
fillConstants();

const W = new Uint32Array(64);
const rotate = (value, by) => (value >>> by) | (value << (32 - by));

function compress(state, block, at) {
  for (let i = 0; i < 16; i += 1)
    W[i] = (block[at + i * 4] << 24) | (block[at + i * 4 + 1] << 16) | (block[at + i * 4 + 2] << 8) | block[at + i * 4 + 3];
  for (let i = 16; i < 64; i += 1) {
    const a = W[i - 15];
    const b = W[i - 2];
    W[i] = W[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3)) + W[i - 7] + (rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10));
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const t1 = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
    const t2 = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  const add = [a, b, c, d, e, f, g, h];
  for (let i = 0; i < 8; i += 1) state[i] = (state[i] + add[i]) | 0;
}

/** SHA-256 (FIPS 180-4) of the parts one after another. Synchronous, because WebCrypto would make a promise for every row. */
export function sha256(...parts) {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const padded = new Uint8Array((((length + 8) >> 6) + 1) << 6);
  let at = 0;
  for (const part of parts) {
    padded.set(part, at);
    at += part.length;
  }
  padded[length] = 0x80;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, BigInt(length) * 8n);
  const state = Uint32Array.from(START);
  for (let block = 0; block < padded.length; block += 64) compress(state, padded, block);
  const out = new Uint8Array(HASH_BYTES);
  for (let i = 0; i < 8; i += 1) new DataView(out.buffer).setUint32(i * 4, state[i]);
  return out;
}

function hmac(key, bytes) {
  const block = new Uint8Array(64);
  block.set(key.length > 64 ? sha256(key) : key);
  const pad = (value) => block.map((byte) => byte ^ value);
  return sha256(pad(0x5c), sha256(pad(0x36), bytes));
}

const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const toBase64url = (bytes) =>
  btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '');
const fromBase64url = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (char) => char.charCodeAt(0));

/** Says what is wrong and where; thrown by the walk, answered by `verifyLog`. */
class Finding extends Error {
  constructor(kind, seq, say) {
    super(say);
    this.finding = { kind, seq, say };
  }
}

/** RFC 6962: a leaf is 0x00 and the row's text, a node is 0x01 and its halves; a link of the chain is 0x02, the head before and the leaf. */
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const LINK = Uint8Array.of(2);

class Walk {
  size = 0;
  head = new Uint8Array(HASH_BYTES);
  peaks = [];
  rows = 0;
  checkpoints = 0;
  erasedDetails = 0;
  people = 0;
  beginsAt = 0;
  /** The newest row that says up to where the log was shortened, and what it says. */
  told = { seq: 0, size: 0 };
  signedSize = 0;
  isEnded = false;

  constructor(header, importedKey) {
    this.device = header.device;
    this.key = importedKey;
    this.hasDetails = header.details !== false;
  }

  add(leaf) {
    let node = leaf;
    for (let width = this.size; width % 2 === 1; width = (width - 1) / 2) node = sha256(NODE, this.peaks.pop(), node);
    this.peaks.push(node);
    this.head = sha256(LINK, this.head, leaf);
    this.size += 1;
  }

  root() {
    if (this.peaks.length === 0) return sha256();
    return this.peaks.reduceRight((right, left) => (right === undefined ? left : sha256(NODE, left, right)), undefined);
  }

  async begin(anchor) {
    if (anchor === null) return;
    this.size = anchor.size;
    this.head = fromHex(anchor.head);
    this.peaks = anchor.peaks.map(fromHex);
    this.beginsAt = anchor.size;
    await this.checkpoint(anchor.statement);
    // It speaks for what was taken out, not for what is here.
    this.checkpoints = 0;
  }

  row({ seq, body, detail }) {
    if (this.isEnded) throw new Finding('edit', this.size + 1, 'There are rows behind the end of the export.');
    if (seq !== this.size + 1) throw new Finding('gap', this.size + 1, `Row ${this.size + 1} is missing.`);
    const said = readJson(body, seq);
    if (said.seq !== seq) throw new Finding('moved', seq, `Row ${seq} is really row ${said.seq}.`);
    if (said.device !== this.device) throw new Finding('foreign', seq, `Row ${seq} was written by the recorder ${said.device}.`);
    if (said.detail !== undefined && detail === null && this.hasDetails) this.erasedDetails += 1;
    if (detail !== null) {
      const commitment = toBase64url(hmac(fromBase64url(detail.salt), utf8(detail.json)).subarray(0, 16));
      if (commitment !== said.detail) throw new Finding('detail', seq, `What stands beside row ${seq} (before and after) was changed.`);
    }
    if (said.action === 'log.pruned') this.told = { seq, size: Number(said.object) };
    this.add(sha256(LEAF, utf8(body)));
    this.rows += 1;
  }

  /** What a checkpoint says, after its signature was checked. */
  async signed(statement, where) {
    try {
      const [header = '', payload = '', signature = ''] = String(statement).split('.');
      const said = utf8(`${header}.${payload}`);
      const isSigned = await globalThis.crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, this.key, fromBase64url(signature), said);
      const { alg, typ } = JSON.parse(new TextDecoder().decode(fromBase64url(header)));
      if (isSigned && alg === 'ES256' && typ === 'checkpoint+jws') return JSON.parse(new TextDecoder().decode(fromBase64url(payload)));
    } catch {
      // Told below.
    }
    throw new Finding('signature', this.size, `${where} was not signed by this recorder.`);
  }

  async checkpoint(statement) {
    const said = await this.signed(statement, `The checkpoint at row ${this.size}`);
    this.compare(said);
    this.checkpoints += 1;
    this.signedSize = this.size;
  }

  compare(said) {
    const fits =
      said.device === this.device && said.size === this.size && said.head === toHex(this.head) && said.root === toHex(this.root());
    if (!fits) throw new Finding('checkpoint', this.size, `The rows up to ${this.size} are not those that a signed checkpoint speaks of.`);
  }

  person({ ref, salt, name, email }) {
    if (salt === null) return;
    const commitment = toBase64url(hmac(fromBase64url(salt), utf8(JSON.stringify({ name, email }))).subarray(0, 16));
    if (commitment !== ref) throw new Finding('person', this.size, 'A person in the export is not the one that the rows speak of.');
    this.people += 1;
  }

  end({ size, head, root }) {
    const fits = size === this.size && head === toHex(this.head) && root === toHex(this.root());
    if (!fits) throw new Finding('cut', this.size + 1, `The export says that it has ${size} rows; ${this.size} are there.`);
    const isTold = this.told.size === this.beginsAt && this.told.seq <= this.signedSize;
    if (this.beginsAt > 0 && !isTold)
      throw new Finding(
        'anchor',
        1,
        `The rows before row ${this.beginsAt + 1} are missing, and not because the log was shortened by its rule.`,
      );
    if (this.rows > 0 && this.checkpoints === 0)
      throw new Finding('unsigned', this.beginsAt + 1, 'No checkpoint in the export is signed: anybody could have made up these rows.');
    this.isEnded = true;
  }
}

function readJson(text, seq) {
  try {
    const value = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Told below.
  }
  throw new Finding('edit', seq, `Row ${seq} is no row of an operation log.`);
}

/** What is known of a log after a walk over its export, as far as it came. */
function reportOf(walk, thumbprint, held, problem) {
  return {
    isOk: problem === null,
    problem,
    device: walk?.device ?? null,
    thumbprint,
    rows: walk?.rows ?? 0,
    size: walk?.size ?? 0,
    head: walk === undefined ? '' : toHex(walk.head),
    root: walk === undefined ? '' : toHex(walk.root()),
    checkpoints: walk?.checkpoints ?? 0,
    signedSize: walk?.signedSize ?? 0,
    beginsAt: walk?.beginsAt ?? 0,
    erasedDetails: walk?.erasedDetails ?? 0,
    people: walk?.people ?? 0,
    witness: held === undefined ? null : held.isMet === true ? 'met' : 'not reached',
  };
}

async function begin(line) {
  const header = readJson(line, 0);
  if (header.kind !== 'header' || header.v !== 1) throw new Finding('header', 0, 'This is no export of an operation log.');
  const { kty, crv, x, y } = header.key;
  const thumbprint = toBase64url(sha256(utf8(JSON.stringify({ crv, kty, x, y }))));
  const curve = { name: 'ECDSA', namedCurve: 'P-256' };
  const key = await globalThis.crypto.subtle.importKey('jwk', { kty, crv, x, y }, curve, true, ['verify']);
  const walk = new Walk(header, key);
  await walk.begin(header.anchor);
  return { walk, thumbprint };
}

async function take(walk, item) {
  if (item.kind === 'row') walk.row(item);
  else if (item.kind === 'checkpoint') await walk.checkpoint(item.statement);
  else if (item.kind === 'person') walk.person(item);
  else if (item.kind === 'end') walk.end(item);
  else throw new Finding('edit', walk.size, `A line after row ${walk.size} is of no known kind.`);
}

/**
 * Verifies the lines of an export. `witness`: a checkpoint+jws from outside (owner's app, relay), which alone can show that the end was cut off.
 * Resolves to {isOk, problem: {kind, seq, say} | null, device, thumbprint, rows, size, head, root, checkpoints, signedSize (rows behind it are held by
 * the chain alone), beginsAt, erasedDetails, people, witness: 'met' | 'not reached' | null}.
 */
export async function verifyLog(lines, witness) {
  let walk;
  let thumbprint = '';
  let held;
  try {
    for await (const line of lines) {
      if (line.trim() === '') continue;
      if (walk === undefined) {
        // Some editors put a mark before a text that says how it is encoded (U+FEFF); it is no part of the log.
        ({ walk, thumbprint } = await begin(line.replace(/^\uFEFF/, '')));
        if (witness !== undefined) held = await walk.signed(witness, 'The checkpoint from outside');
        if (held !== undefined && held.device !== walk.device)
          throw new Finding('foreign', 0, `The checkpoint from outside is about the recorder ${held.device}.`);
      } else {
        const item = readJson(line, walk.size);
        await take(walk, item);
      }
      if (held !== undefined && held.size === walk.size && !held.isMet) {
        walk.compare(held);
        held.isMet = true;
      }
    }
    if (walk === undefined || !walk.isEnded) throw new Finding('cut', (walk?.size ?? 0) + 1, 'The export ends in the middle.');
    if (held !== undefined && held.size > walk.size) {
      const say = `The log ends at row ${walk.size}, but a signed checkpoint says that it had ${held.size} rows.`;
      throw new Finding('cut', walk.size + 1, say);
    }
    return reportOf(walk, thumbprint, held, null);
  } catch (error) {
    const say = `The export cannot be read: ${error instanceof Error ? error.message : error}`;
    return reportOf(walk, thumbprint, held, error instanceof Finding ? error.finding : { kind: 'edit', seq: walk?.size ?? 0, say });
  }
}

/** The lines of a text that comes in pieces. A line ends with LF alone: what else ends lines elsewhere (U+2028) may stand in a name. */
export async function* linesIn(pieces) {
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop();
    yield* lines;
  }
  yield rest;
}

const HELP = `verify-log - verify an exported operation log of a Sightline recorder

  node verify-log.mjs FILE [--checkpoint TEXT] [--json]

  --checkpoint TEXT  a signed checkpoint from outside: the only way to see rows that were cut off at the end
  --json             the report as JSON

Exit code 0: whole; 1: something was changed; 2: wrong use.
`;

function told(report) {
  if (!report.isOk) return `The log was changed. ${report.problem.say}\n`;
  const lines = [
    `The log is whole: ${report.rows} rows of recorder ${report.device}, ${report.checkpoints} signed checkpoints.`,
    `key  ${report.thumbprint}`,
    `head ${report.head}`,
    `root ${report.root}`,
  ];
  if (report.beginsAt > 0)
    lines.push(`Rows 1 to ${report.beginsAt} were taken out by the owner's rule; a signed checkpoint stands for them.`);
  if (report.signedSize < report.size) lines.push(`The rows from ${report.signedSize + 1} on are not signed yet.`);
  if (report.witness === 'not reached') lines.push('The checkpoint from outside speaks of rows that were taken out.');
  if (report.witness === null)
    lines.push('Whether rows are missing at the end shows only against a checkpoint from outside (--checkpoint).');
  return `${lines.join('\n')}\n`;
}

function readWords(args) {
  const words = { file: undefined, witness: undefined, isJson: false, isWrong: false };
  for (let at = 0; at < args.length; at += 1) {
    if (args[at] === '--json') words.isJson = true;
    else if (args[at] === '--checkpoint') {
      at += 1;
      words.witness = args[at];
      words.isWrong ||= words.witness === undefined;
    } else if (args[at].startsWith('-') || words.file !== undefined) words.isWrong = true;
    else words.file = args[at];
  }
  return { ...words, isWrong: words.isWrong || words.file === undefined };
}

async function main(args) {
  const { file, witness, isJson, isWrong } = readWords(args);
  if (isWrong) {
    const isAsked = args.includes('--help') || args.includes('-h');
    process[isAsked ? 'stdout' : 'stderr'].write(HELP);
    return isAsked ? 0 : 2;
  }
  // Not written out where it is loaded: bundlers for browsers would look for it.
  const files = 'node:fs/promises';
  const { open } = await import(files);
  const handle = await open(file).catch(() => undefined);
  if (handle === undefined) {
    process.stderr.write(`${file} cannot be read. Check the path and who may read it.\n`);
    return 2;
  }
  const report = await verifyLog(linesIn(handle.createReadStream({ encoding: 'utf8', autoClose: false })), witness);
  await handle.close();
  process.stdout.write(isJson ? `${JSON.stringify(report)}\n` : told(report));
  return report.isOk ? 0 : 1;
}

const isProgram = typeof process !== 'undefined' && process.argv?.[1]?.endsWith('verify-log.mjs') === true;
if (isProgram) process.exitCode = await main(process.argv.slice(2));
