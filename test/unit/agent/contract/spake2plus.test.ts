import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeVerifier, proverFinish, proverShare, sameBytes, verifierRespond } from '../../../../agent/contract/spake2plus.js';

/** RFC 9383, appendix C, vector 1: P256-SHA256-HKDF-SHA256-HMAC-SHA256. */
const V = {
  w0: 'bb8e1bbcf3c48f62c08db243652ae55d3e5586053fca77102994f23ad95491b3',
  w1: '7e945f34d78785b8a3ef44d0df5a1a97d6b3b460409a345ca7830387a74b1dba',
  L: '04eb7c9db3d9a9eb1f8adab81b5794c1f13ae3e225efbe91ea487425854c7fc00f00bfedcbd09b2400142d40a14f2064ef31dfaa903b91d1faea7093d835966efd',
  x: 'd1232c8e8693d02368976c174e2088851b8365d0d79a9eee709c6a05a2fad539',
  y: '717a72348a182085109c8d3917d6c43d59b224dc6a7fc4f0483232fa6516d8b3',
  shareP:
    '04ef3bd051bf78a2234ec0df197f7828060fe9856503579bb1733009042c15c0c1de127727f418b5966afadfdd95a6e4591d171056b333dab97a79c7193e341727',
  shareV:
    '04c0f65da0d11927bdf5d560c69e1d7d939a05b0e88291887d679fcadea75810fb5cc1ca7494db39e82ff2f50665255d76173e09986ab46742c798a9a68437b048',
  Z: '04bbfce7dd7f277819c8da21544afb7964705569bdf12fb92aa388059408d50091a0c5f1d3127f56813b5337f9e4e67e2ca633117a4fbd559946ab474356c41839',
  V: '0458bf27c6bca011c9ce1930e8984a797a3419797b936629a5a937cf2f11c8b9514b82b993da8a46e664f23db7c01edc87faa530db01c2ee405230b18997f16b68',
  main: '4c59e1ccf2cfb961aa31bd9434478a1089b56cd11542f53d3576fb6c2a438a29',
  confirmKeyProver: '871ae3f7b78445e34438fb284504240239031c39d80ac23eb5ab9be5ad6db58a',
  confirmKeyVerifier: 'ccd53c7c1fa37b64a462b40db8be101cedcf838950162902054e644b400f1680',
  confirmProver: '926cc713504b9b4d76c9162ded04b5493e89109f6d89462cd33adc46fda27527',
  confirmVerifier: '9747bcc4f8fe9f63defee53ac9b07876d907d55047e6ff2def2e7529089d3e68',
  shared: '0c5f8ccd1413423a54f6c1fb26ff01534a87f893779c6e68666d772bfd91f3e7',
};
const IDS = { context: 'SPAKE2+-P256-SHA256-HKDF-SHA256-HMAC-SHA256 Test Vectors', prover: 'client', verifier: 'server' };
const hex = (name: keyof typeof V): Uint8Array => hexToBytes(V[name]);
const KEY_NAMES = ['Z', 'V', 'main', 'confirmKeyProver', 'confirmKeyVerifier', 'confirmProver', 'confirmVerifier', 'shared'] as const;

test('RFC 9383 vector: every value on the prover’s side', () => {
  assert.is(bytesToHex(proverShare(hex('w0'), hex('x'))), V.shareP);
  const keys = proverFinish(IDS, hex('w0'), hex('w1'), hex('x'), hex('shareV'));
  for (const name of KEY_NAMES) assert.is(bytesToHex(keys[name]), V[name], name);
});

test('RFC 9383 vector: every value on the verifier’s side', () => {
  const verifier = makeVerifier(hex('w0'), hex('w1'));
  assert.is(bytesToHex(verifier.L), V.L);
  const { shareV, keys } = verifierRespond(IDS, verifier, hex('y'), hex('shareP'));
  assert.is(bytesToHex(shareV), V.shareV);
  for (const name of KEY_NAMES) assert.is(bytesToHex(keys[name]), V[name], name);
});

test('impossible shares are refused on both sides', () => {
  const verifier = makeVerifier(hex('w0'), hex('w1'));
  const offCurve = hex('shareP');
  offCurve[64] = (offCurve[64] ?? 0) ^ 1;
  const compressed = new Uint8Array([2 + ((hex('shareP')[64] ?? 0) & 1), ...hex('shareP').subarray(1, 33)]);
  const hybrid = hex('shareP');
  hybrid[0] = 6;
  for (const share of [
    offCurve,
    compressed,
    hybrid,
    new Uint8Array(65),
    new Uint8Array([0]),
    hex('shareP').subarray(0, 64),
    new Uint8Array(0),
  ]) {
    assert.throws(() => verifierRespond(IDS, verifier, hex('y'), share), /pairing.bad_message/);
    assert.throws(() => proverFinish(IDS, hex('w0'), hex('w1'), hex('x'), share), /pairing.bad_message/);
  }
});

test('another password, another name or another context gives other keys', () => {
  const verifier = makeVerifier(hex('w0'), hex('w1'));
  const honest = verifierRespond(IDS, verifier, hex('y'), hex('shareP')).keys;
  const otherW0 = makeVerifier(hex('w1'), hex('w1'));
  assert.not(sameBytes(verifierRespond(IDS, otherW0, hex('y'), hex('shareP')).keys.shared, honest.shared));
  assert.not(sameBytes(verifierRespond({ ...IDS, verifier: 'other' }, verifier, hex('y'), hex('shareP')).keys.shared, honest.shared));
  assert.not(sameBytes(verifierRespond({ ...IDS, context: 'other' }, verifier, hex('y'), hex('shareP')).keys.shared, honest.shared));
});

test.run();
