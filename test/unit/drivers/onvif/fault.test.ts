import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { faultError, readFault } from '../../../../drivers/onvif/fault.js';
import { parseXml } from '../../../../drivers/onvif/soap.js';

const S12 = 'xmlns:s="http://www.w3.org/2003/05/soap-envelope"';
const soap12 = (subcodes: string, reason = 'why'): string =>
  `<s:Envelope ${S12}><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value>${subcodes}</s:Code><s:Reason><s:Text xml:lang="en">${reason}</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>`;
const sub = (word: string, inner = ''): string => `<s:Subcode><s:Value>ter:${word}</s:Value>${inner}</s:Subcode>`;
const meaning = async (xml: string, http = 400): Promise<string> => {
  const fault = readFault(await parseXml(xml));
  assert.ok(fault);
  return faultError(fault, http).code;
};

test('subcodes are kept from outside in', async () => {
  assert.equal(readFault(await parseXml(soap12(sub('InvalidArgVal', sub('ConfigModify'))))), {
    code: 'Sender',
    subcodes: ['InvalidArgVal', 'ConfigModify'],
    reason: 'why',
  });
});

test('each kind of fault has its meaning', async () => {
  assert.is(await meaning(soap12(sub('NotAuthorized'))), 'camera.unauthorized');
  assert.is(await meaning(soap12(sub('ActionNotSupported'))), 'camera.unsupported');
  assert.is(await meaning(soap12(sub('InvalidArgVal', sub('ConfigModify')))), 'camera.refused');
  assert.is(await meaning(soap12('', 'Sender not authorized')), 'camera.unauthorized');
  assert.is(await meaning(soap12('')), 'camera.refused');
  assert.is(await meaning(soap12(''), 401), 'camera.unauthorized');
});

test('a SOAP 1.1 fault and a failed security check are read too', async () => {
  const old = `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault><faultcode>wsse:FailedAuthentication</faultcode><faultstring>no</faultstring></e:Fault></e:Body></e:Envelope>`;
  assert.equal(readFault(await parseXml(old)), { code: 'FailedAuthentication', subcodes: [], reason: 'no' });
  assert.is(await meaning(old, 500), 'camera.unauthorized');
});

test('no fault is no fault', async () => {
  assert.is(readFault(await parseXml(`<s:Envelope ${S12}><s:Body><a/></s:Body></s:Envelope>`)), undefined);
  for (const value of [undefined, null, '', 'x', {}, { Body: '' }]) assert.is(readFault(value), undefined);
});

test('several reasons in several languages: the first counts', async () => {
  const xml = soap12('', 'one</s:Text><s:Text xml:lang="de">zwei');
  assert.is(readFault(await parseXml(xml))?.reason, 'one');
});

test.run();
