import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { joinByEndpoint, probeMessage, readProbeMatches } from '../../../../drivers/onvif/discovery-message.js';
import { isInNetwork } from '../../../../drivers/onvif/discovery-network.js';
import { parseXml } from '../../../../drivers/onvif/soap.js';
import type { DiscoveredCamera } from '../../../../drivers/port.js';

const ID = '6f1d2c4e-0000-4000-8000-000000000001';
const network = { address: '192.0.2.2', netmask: '255.255.255.0' };

const match = (xaddrs: string, extra = '', endpoint = 'urn:uuid:cam'): string =>
  `<d:ProbeMatch><a:EndpointReference><a:Address>${endpoint}</a:Address></a:EndpointReference>${extra}<d:XAddrs>${xaddrs}</d:XAddrs></d:ProbeMatch>`;

async function read(matches: string, relatesTo = `urn:uuid:${ID}`, source = '192.0.2.7'): Promise<readonly DiscoveredCamera[]> {
  const envelope = await parseXml(
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="a" xmlns:d="d"><s:Header>' +
      `<a:RelatesTo>${relatesTo}</a:RelatesTo></s:Header><s:Body><d:ProbeMatches>${matches}</d:ProbeMatches></s:Body></s:Envelope>`,
  );
  return readProbeMatches(envelope, { source, networks: [network], isOurs: (id) => id === ID });
}

test('name and hardware come out of the scopes, decoded and without control characters', async () => {
  const scopes =
    '<d:Scopes>onvif://www.onvif.org/type/video onvif://www.onvif.org/name/Front%20door%0A1 onvif://www.onvif.org/hardware/D%204</d:Scopes>';
  assert.equal(await read(match('http://192.0.2.7/onvif/device_service', scopes)), [
    { endpoint: 'urn:uuid:cam', deviceUri: 'http://192.0.2.7/onvif/device_service', name: 'Front door 1', hardware: 'D 4' },
  ]);
});

test('scopes may be missing or broken, several cameras may share a datagram', async () => {
  const both =
    match('http://192.0.2.7/a') + match('http://192.0.2.8/b', '<d:Scopes>onvif://www.onvif.org/name/%E0%A4%A</d:Scopes>', 'urn:uuid:two');
  assert.equal(
    (await read(both)).map(({ deviceUri, name }) => [deviceUri, name]),
    [
      ['http://192.0.2.7/a', ''],
      ['http://192.0.2.8/b', '%E0%A4%A'],
    ],
  );
});

test('of several addresses the answering one counts, then one in the same network, else none', async () => {
  assert.is((await read(match('http://192.0.2.9/x http://192.0.2.7/y')))[0]?.deviceUri, 'http://192.0.2.7/y');
  assert.is((await read(match('http://10.0.0.1/x http://192.0.2.9/y')))[0]?.deviceUri, 'http://192.0.2.9/y');
  for (const elsewhere of ['http://10.0.0.1/x', 'http://evil.example/x', 'ftp://192.0.2.7/x', 'http://u:p@192.0.2.7/x', 'nonsense', '']) {
    assert.equal(await read(match(elsewhere)), [], elsewhere);
  }
});

test('an answer to a question that was not asked is nothing', async () => {
  assert.equal(await read(match('http://192.0.2.7/a'), 'urn:uuid:00000000-0000-4000-8000-000000000009'), []);
  assert.equal(await read(match('http://192.0.2.7/a'), ''), []);
  assert.is((await read(match('http://192.0.2.7/a'), `uuid:${ID.toUpperCase()}`)).length, 1, 'the ways to write our id are all known');
});

test('a camera without endpoint is known by its address', async () => {
  assert.is((await read('<d:ProbeMatch><d:XAddrs>http://192.0.2.7/a</d:XAddrs></d:ProbeMatch>'))[0]?.endpoint, 'http://192.0.2.7/a');
});

test('anything else parses to nothing', () => {
  for (const envelope of [
    undefined,
    null,
    '',
    'text',
    {},
    { Body: '' },
    { Header: { RelatesTo: ID }, Body: { ProbeMatches: { ProbeMatch: 'x' } } },
  ]) {
    assert.equal(readProbeMatches(envelope, { source: '192.0.2.7', networks: [network], isOurs: () => true }), []);
  }
});

test('one camera per endpoint, always at the same of its addresses', () => {
  const at = (deviceUri: string, endpoint = 'urn:uuid:A'): DiscoveredCamera => ({ endpoint, deviceUri, name: '', hardware: '' });
  const found = [at('http://192.0.2.7/'), at('http://127.0.0.1/', 'uuid:a'), at('http://192.0.2.8/', 'urn:uuid:B')];
  const uris = (list: readonly DiscoveredCamera[]): readonly string[] => joinByEndpoint(list).map(({ deviceUri }) => deviceUri);
  assert.equal(uris(found), ['http://127.0.0.1/', 'http://192.0.2.8/']);
  assert.equal(uris([...found].reverse()), uris(found));
});

test('networks of high addresses compare right', () => {
  assert.ok(isInNetwork('223.255.254.7', { address: '223.255.254.1', netmask: '255.255.255.128' }));
  assert.not.ok(isInNetwork('223.255.254.200', { address: '223.255.254.1', netmask: '255.255.255.128' }));
});

test('the probe carries its id and type', () => {
  const probe = probeMessage(`urn:uuid:${ID}`, 'dn:NetworkVideoTransmitter');
  assert.match(probe, `<a:MessageID>urn:uuid:${ID}</a:MessageID>`);
  assert.match(probe, '<d:Types>dn:NetworkVideoTransmitter</d:Types>');
});

test.run();
