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
  toldBegin = 0;
  isEnded = false;
  refs = new Set();

  constructor(header, importedKey) {
    this.device = header.device;
    this.key = importedKey;
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
  }

  row({ seq, body, detail }) {
    if (seq !== this.size + 1) throw new Finding('gap', this.size + 1, `Row ${this.size + 1} is missing.`);
    const said = readJson(body, seq);
    if (said.seq !== seq) throw new Finding('moved', seq, `Row ${seq} is really row ${said.seq}.`);
    if (said.device !== this.device) throw new Finding('foreign', seq, `Row ${seq} was written by the recorder ${said.device}.`);
    if (said.detail !== undefined && detail === null) this.erasedDetails += 1;
    if (detail !== null) {
      const commitment = toBase64url(hmac(fromBase64url(detail.salt), utf8(detail.json)).subarray(0, 16));
      if (commitment !== said.detail) throw new Finding('detail', seq, `What stands beside row ${seq} (before and after) was changed.`);
    }
    if (said.action === 'log.pruned') this.toldBegin = Number(said.object);
    if (said.actor?.ref !== undefined) this.refs.add(said.actor.ref);
    this.add(sha256(LEAF, utf8(body)));
    this.rows += 1;
  }

  async checkpoint(statement) {
    const [header = '', payload = '', signature = ''] = String(statement).split('.');
    const isSigned = await globalThis.crypto.subtle
      .verify({ name: 'ECDSA', hash: 'SHA-256' }, this.key, fromBase64url(signature), utf8(`${header}.${payload}`))
      .catch(() => false);
    const { alg, typ } = readJson(new TextDecoder().decode(fromBase64url(header)), this.size);
    if (!isSigned || alg !== 'ES256' || typ !== 'checkpoint+jws')
      throw new Finding('signature', this.size, `The checkpoint at row ${this.size} was not signed by this recorder.`);
    const said = readJson(new TextDecoder().decode(fromBase64url(payload)), this.size);
    const fits =
      said.device === this.device && said.size === this.size && said.head === toHex(this.head) && said.root === toHex(this.root());
    if (!fits) throw new Finding('checkpoint', this.size, `The rows up to ${this.size} are not those that a signed checkpoint speaks of.`);
    this.checkpoints += 1;
    this.lastSigned = this.size;
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
    if (this.beginsAt > 0 && this.toldBegin !== this.beginsAt)
      throw new Finding(
        'anchor',
        1,
        `The rows before row ${this.beginsAt + 1} are missing, and not because the log was shortened by its rule.`,
      );
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

/**
 * Verifies the lines of an export. `witness`: a checkpoint+jws from outside (owner's app, relay), which alone can show that the end was cut off.
 * Resolves to {isOk, problem: {kind, seq, say} | null, device, thumbprint, rows, size, head, root, checkpoints, erasedDetails, people}.
 */
export async function verifyLog(lines, witness) {
  let walk;
  let thumbprint = '';
  let held;
  const report = (problem) => ({
    isOk: problem === null,
    problem,
    device: walk?.device ?? null,
    thumbprint,
    rows: walk?.rows ?? 0,
    size: walk?.size ?? 0,
    head: walk === undefined ? '' : toHex(walk.head),
    root: walk === undefined ? '' : toHex(walk.root()),
    checkpoints: walk?.checkpoints ?? 0,
    erasedDetails: walk?.erasedDetails ?? 0,
    people: walk?.people ?? 0,
  });
  try {
    for await (const line of lines) {
      if (line.trim() === '') continue;
      const item = readJson(line, walk?.size ?? 0);
      if (walk === undefined) {
        if (item.kind !== 'header' || item.v !== 1) throw new Finding('header', 0, 'This is no export of an operation log.');
        const { kty, crv, x, y } = item.key;
        thumbprint = toBase64url(sha256(utf8(JSON.stringify({ crv, kty, x, y }))));
        const key = await globalThis.crypto.subtle.importKey('jwk', { kty, crv, x, y }, { name: 'ECDSA', namedCurve: 'P-256' }, true, [
          'verify',
        ]);
        walk = new Walk(item, key);
        await walk.begin(item.anchor);
        if (witness !== undefined) held = readJson(new TextDecoder().decode(fromBase64url(witness.split('.')[1] ?? '')), 0);
        continue;
      }
      if (item.kind === 'row') walk.row(item);
      else if (item.kind === 'checkpoint') await walk.checkpoint(item.statement);
      else if (item.kind === 'person') walk.person(item);
      else if (item.kind === 'end') walk.end(item);
      else throw new Finding('edit', walk.size, `A line after row ${walk.size} is of no known kind.`);
      if (held !== undefined && held.size === walk.size && item.kind === 'row') {
        await walk.checkpoint(witness);
        held.isMet = true;
      }
    }
    if (walk === undefined || !walk.isEnded) throw new Finding('cut', (walk?.size ?? 0) + 1, 'The export ends in the middle.');
    if (held !== undefined && held.size > walk.size)
      throw new Finding(
        'cut',
        walk.size + 1,
        `The log ends at row ${walk.size}, but a signed checkpoint says that it had ${held.size} rows.`,
      );
    return report(null);
  } catch (error) {
    if (error instanceof Finding) return report(error.finding);
    return report({
      kind: 'edit',
      seq: walk?.size ?? 0,
      say: `The export cannot be read: ${error instanceof Error ? error.message : error}`,
    });
  }
}

const HELP = `verify-log - verify an exported operation log of a Sightline recorder

  node verify-log.mjs FILE [--checkpoint TEXT] [--json]

  --checkpoint TEXT  a signed checkpoint from outside: the only way to see rows that were cut off at the end
  --json             the report as JSON

Exit code 0: whole; 1: something was changed; 2: wrong use.
`;

async function main(args) {
  const { createReadStream } = await import('node:fs');
  const { createInterface } = await import('node:readline');
  const isJson = args.includes('--json');
  const at = args.indexOf('--checkpoint');
  const witness = at < 0 ? undefined : args[at + 1];
  const [file] = args.filter((word, index) => !word.startsWith('--') && index !== at + 1 - (at < 0 ? args.length + 2 : 0));
  if (file === undefined || args.includes('--help') || (at >= 0 && witness === undefined)) {
    process.stdout.write(HELP);
    return file === undefined && !args.includes('--help') ? 2 : 0;
  }
  const report = await verifyLog(createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY }), witness);
  if (isJson) process.stdout.write(`${JSON.stringify(report)}\n`);
  else if (report.isOk)
    process.stdout.write(
      `The log is whole: ${report.rows} rows of recorder ${report.device}, ${report.checkpoints} signed checkpoints.\nkey  ${report.thumbprint}\nhead ${report.head}\nroot ${report.root}\n`,
    );
  else process.stdout.write(`The log was changed. ${report.problem.say}\n`);
  return report.isOk ? 0 : 1;
}

const isProgram = typeof process !== 'undefined' && process.argv?.[1]?.endsWith('verify-log.mjs') === true;
if (isProgram) process.exitCode = await main(process.argv.slice(2));
