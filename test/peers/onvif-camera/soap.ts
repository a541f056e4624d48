/** SOAP 1.2 as an ONVIF device speaks it: reading a request strictly, writing answers and faults. Pure. */
import { child, escapeXml, parseXml, type XmlElement, XmlError } from './xml.js';

export const SPACES = {
  env: 'http://www.w3.org/2003/05/soap-envelope',
  tds: 'http://www.onvif.org/ver10/device/wsdl',
  trt: 'http://www.onvif.org/ver10/media/wsdl',
  tr2: 'http://www.onvif.org/ver20/media/wsdl',
  tptz: 'http://www.onvif.org/ver20/ptz/wsdl',
  timg: 'http://www.onvif.org/ver20/imaging/wsdl',
  tev: 'http://www.onvif.org/ver10/events/wsdl',
  tmd: 'http://www.onvif.org/ver10/deviceIO/wsdl',
  tse: 'http://www.onvif.org/ver10/search/wsdl',
  trc: 'http://www.onvif.org/ver10/recording/wsdl',
  trp: 'http://www.onvif.org/ver10/replay/wsdl',
  wsnt: 'http://docs.oasis-open.org/wsn/b-2',
  wstop: 'http://docs.oasis-open.org/wsn/t-1',
  wsa5: 'http://www.w3.org/2005/08/addressing',
  tns1: 'http://www.onvif.org/ver10/topics',
  xs: 'http://www.w3.org/2001/XMLSchema',
  tt: 'http://www.onvif.org/ver10/schema',
  ter: 'http://www.onvif.org/ver10/error',
} as const;

/** One operation that a client asks for. */
export interface SoapRequest {
  readonly space: string;
  readonly operation: string;
  readonly body: XmlElement;
  readonly header: XmlElement | undefined;
}

/** An answer that is a fault: whose mistake it is, and ONVIF's subcodes from outside in. */
export class SoapFault extends Error {
  readonly code: 'Sender' | 'Receiver';
  readonly subcodes: readonly string[];

  constructor(code: 'Sender' | 'Receiver', subcodes: readonly string[], reason: string) {
    super(reason);
    this.code = code;
    this.subcodes = subcodes;
  }
}

/** ter:InvalidArgVal and below it what exactly. */
export const invalidArgument = (detail: string, reason: string): SoapFault =>
  new SoapFault('Sender', ['ter:InvalidArgVal', `ter:${detail}`], reason);

/** Only the prefixes that occur: a camera of many services would say more about names than about itself. */
const declarations = (content: string): string =>
  Object.entries(SPACES)
    .flatMap(([prefix, space]) => (prefix === 'env' || content.includes(`${prefix}:`) ? [` xmlns:${prefix}="${space}"`] : []))
    .join('');

/** Reads an envelope with exactly one operation; throws SoapFault for everything else. */
export function readSoap(text: string): SoapRequest {
  let root: XmlElement;
  try {
    root = parseXml(text);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    throw new SoapFault('Sender', ['ter:WellFormed'], `Not well-formed: ${error.message}`);
  }
  const body = child(root, 'Body', SPACES.env);
  const operation = body?.children[0];
  if (
    root.name !== 'Envelope' ||
    root.space !== SPACES.env ||
    body === undefined ||
    operation === undefined ||
    body.children.length !== 1
  ) {
    throw new SoapFault('Sender', ['ter:WellFormed'], 'Not a SOAP 1.2 envelope with one operation');
  }
  return { space: operation.space, operation: operation.name, body: operation, header: child(root, 'Header', SPACES.env) };
}

function envelope(body: string, header = ''): string {
  const head = header === '' ? '' : `<env:Header>${header}</env:Header>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<env:Envelope${declarations(head + body)}>${head}<env:Body>${body}</env:Body></env:Envelope>`;
}

/** The envelope around an operation's answer. */
export const writeSoap = (body: string, header = ''): string => envelope(body, header);

/** The envelope around a fault. */
export function writeFault(fault: SoapFault): string {
  const nested = fault.subcodes.reduceRight((inner, code) => `<env:Subcode><env:Value>${code}</env:Value>${inner}</env:Subcode>`, '');
  const reason = `<env:Reason><env:Text xml:lang="en">${escapeXml(fault.message)}</env:Text></env:Reason>`;
  return envelope(`<env:Fault><env:Code><env:Value>env:${fault.code}</env:Value>${nested}</env:Code>${reason}</env:Fault>`);
}
