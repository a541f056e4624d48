import soap from 'node-onvif/lib/modules/soap.js';
import { DriverError } from '../port.js';
import { guardXml } from './xml.js';

/**
 * The only door to node-onvif: its envelope builder and its parser, nothing else. Two methods of its singleton are replaced for
 * good: the security header (its nonce comes from Math.random and the user goes in unescaped) is made by wsse.ts and only placed
 * here, and its transport (no deadline, no size limit, no TLS) can no longer run by accident. Its service classes are not used:
 * they put tokens into the request unescaped, refuse non-ASCII passwords and pretty-print every answer.
 */
soap._createSoapUserToken = (_diff, header) => header;
soap._request = () => Promise.reject(new DriverError('camera.unsupported', "node-onvif's own transport is not used"));

const NAMESPACES: readonly string[] = [
  'xmlns:tds="http://www.onvif.org/ver10/device/wsdl"',
  'xmlns:trt="http://www.onvif.org/ver10/media/wsdl"',
  'xmlns:tr2="http://www.onvif.org/ver20/media/wsdl"',
  'xmlns:tptz="http://www.onvif.org/ver20/ptz/wsdl"',
  'xmlns:timg="http://www.onvif.org/ver20/imaging/wsdl"',
  'xmlns:tev="http://www.onvif.org/ver10/events/wsdl"',
  'xmlns:tmd="http://www.onvif.org/ver10/deviceIO/wsdl"',
  'xmlns:trc="http://www.onvif.org/ver10/recording/wsdl"',
  'xmlns:tse="http://www.onvif.org/ver10/search/wsdl"',
  'xmlns:trp="http://www.onvif.org/ver10/replay/wsdl"',
  'xmlns:tan="http://www.onvif.org/ver20/analytics/wsdl"',
  'xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"',
  'xmlns:wsa="http://www.w3.org/2005/08/addressing"',
  'xmlns:tns1="http://www.onvif.org/ver10/topics"',
  'xmlns:tt="http://www.onvif.org/ver10/schema"',
];

/** A SOAP 1.2 envelope around `body`; `security` is the finished header of wsse.ts or empty. */
export function buildEnvelope(body: string, security: string): string {
  return soap.createRequestSoap({ body, xmlns: NAMESPACES, ...(security === '' ? {} : { user: security }) });
}

/**
 * The parsed document without its root: prefixes cut off, attributes under `$`, text of an element with attributes under `_`, a
 * repeated element as an array and a single one bare. Throws `camera.bad_answer` for broken or excessive XML.
 */
export async function parseXml(text: string): Promise<unknown> {
  guardXml(text);
  try {
    return await soap.parse(text);
  } catch (error) {
    throw new DriverError('camera.bad_answer', 'the answer is not well-formed XML', { cause: error });
  }
}
