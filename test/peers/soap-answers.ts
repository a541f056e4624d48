/** Answers of a plain Profile S camera, as strings, and small ways to change them. For soap-fake.ts. */
import type { FakeAnswer, FakeRequest, Responder } from './soap-fake.js';

const SPACES =
  'xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl"' +
  ' xmlns:tptz="http://www.onvif.org/ver20/ptz/wsdl" xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:ter="http://www.onvif.org/ver10/error"';

export const envelope = (body: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><s:Envelope ${SPACES}><s:Body>${body}</s:Body></s:Envelope>`;

/** A SOAP 1.2 fault with subcodes from outside in. */
export function fault(subcodes: readonly string[], reason: string, status = 400): FakeAnswer {
  const nested = subcodes.reduceRight((inner, word) => `<s:Subcode><s:Value>ter:${word}</s:Value>${inner}</s:Subcode>`, '');
  const body = `<s:Fault><s:Code><s:Value>s:Sender</s:Value>${nested}</s:Code><s:Reason><s:Text xml:lang="en">${reason}</s:Text></s:Reason></s:Fault>`;
  return { status, body: envelope(body) };
}

export const notAuthorized = (): FakeAnswer => fault(['NotAuthorized'], 'Sender not Authorized');

/** GetSystemDateAndTime with the given UTC instant. */
export function dateAndTime(atMs: number): FakeAnswer {
  const at = new Date(atMs);
  const date = `<tt:Date><tt:Year>${at.getUTCFullYear()}</tt:Year><tt:Month>${at.getUTCMonth() + 1}</tt:Month><tt:Day>${at.getUTCDate()}</tt:Day></tt:Date>`;
  const time = `<tt:Time><tt:Hour>${at.getUTCHours()}</tt:Hour><tt:Minute>${at.getUTCMinutes()}</tt:Minute><tt:Second>${at.getUTCSeconds()}</tt:Second></tt:Time>`;
  const inner = `<tt:DateTimeType>NTP</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime>${time}${date}</tt:UTCDateTime>`;
  return answer('tds:GetSystemDateAndTime', `<tds:SystemDateAndTime>${inner}</tds:SystemDateAndTime>`);
}

/** `<name>Response` around `inner`. */
export const answer = (name: string, inner: string): FakeAnswer => ({ body: envelope(`<${name}Response>${inner}</${name}Response>`) });

/** A VideoEncoderConfiguration; `tag` is Configuration or VideoEncoderConfiguration. */
export function encoder(tag: string, token: string, width: number, height: number, codec = 'H264'): string {
  return (
    `<${tag} token="${token}"><tt:Name>${token} name</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>${codec}</tt:Encoding>` +
    `<tt:Resolution><tt:Width>${width}</tt:Width><tt:Height>${height}</tt:Height></tt:Resolution><tt:Quality>4</tt:Quality>` +
    '<tt:RateControl><tt:FrameRateLimit>25</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>2048</tt:BitrateLimit></tt:RateControl>' +
    '<tt:H264><tt:GovLength>100</tt:GovLength><tt:H264Profile>Main</tt:H264Profile></tt:H264>' +
    '<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>239.0.0.1</tt:IPv4Address></tt:Address><tt:Port>32000</tt:Port><tt:TTL>1</tt:TTL>' +
    `<tt:AutoStart>false</tt:AutoStart></tt:Multicast><tt:SessionTimeout>PT60S</tt:SessionTimeout></${tag}>`
  );
}

/** A profile with encoder and, if wanted, PTZ. */
export function profile(token: string, encoderXml: string, hasPtz = true, source = 'source-1'): string {
  const ptz =
    '<tt:PTZConfiguration token="ptz-1"><tt:Name>ptz</tt:Name><tt:UseCount>2</tt:UseCount><tt:NodeToken>node-1</tt:NodeToken></tt:PTZConfiguration>';
  return (
    `<trt:Profiles token="${token}" fixed="true"><tt:Name>${token} name</tt:Name>` +
    `<tt:VideoSourceConfiguration token="vsc"><tt:Name>vsc</tt:Name><tt:UseCount>2</tt:UseCount><tt:SourceToken>${source}</tt:SourceToken>` +
    `<tt:Bounds x="0" y="0" width="1280" height="720"/></tt:VideoSourceConfiguration>${encoderXml}${hasPtz ? ptz : ''}</trt:Profiles>`
  );
}

const service = (space: string, host: string, path: string): string =>
  `<tds:Service><tds:Namespace>${space}</tds:Namespace><tds:XAddr>http://${host}${path}</tds:XAddr><tds:Version><tt:Major>2</tt:Major><tt:Minor>6</tt:Minor></tds:Version></tds:Service>`;

const TWO_PROFILES =
  profile('main', encoder('tt:VideoEncoderConfiguration', 'enc-main', 1280, 720)) +
  profile('sub', encoder('tt:VideoEncoderConfiguration', 'enc-sub', 640, 360));

const OPTIONS =
  '<trt:Options><tt:QualityRange><tt:Min>1</tt:Min><tt:Max>6</tt:Max></tt:QualityRange><tt:H264>' +
  '<tt:ResolutionsAvailable><tt:Width>640</tt:Width><tt:Height>360</tt:Height></tt:ResolutionsAvailable>' +
  '<tt:ResolutionsAvailable><tt:Width>320</tt:Width><tt:Height>180</tt:Height></tt:ResolutionsAvailable>' +
  '<tt:GovLengthRange><tt:Min>1</tt:Min><tt:Max>400</tt:Max></tt:GovLengthRange><tt:FrameRateRange><tt:Min>1</tt:Min><tt:Max>25</tt:Max></tt:FrameRateRange>' +
  '<tt:EncodingIntervalRange><tt:Min>1</tt:Min><tt:Max>1</tt:Max></tt:EncodingIntervalRange><tt:H264ProfilesSupported>Main</tt:H264ProfilesSupported></tt:H264>' +
  '<tt:Extension><tt:H264><tt:ResolutionsAvailable><tt:Width>640</tt:Width><tt:Height>360</tt:Height></tt:ResolutionsAvailable>' +
  '<tt:BitrateRange><tt:Min>64</tt:Min><tt:Max>4096</tt:Max></tt:BitrateRange></tt:H264></tt:Extension></trt:Options>';

/** What each operation answers; the host in XAddrs and stream addresses is one the caller cannot reach, as behind NAT. */
const ANSWERS: Readonly<Record<string, () => FakeAnswer>> = {
  GetSystemDateAndTime: () => dateAndTime(Date.now()),
  GetDeviceInformation: () =>
    answer(
      'tds:GetDeviceInformation',
      '<tds:Manufacturer>Acme &amp; Sons</tds:Manufacturer><tds:Model>Dome 4</tds:Model><tds:FirmwareVersion>1.2</tds:FirmwareVersion><tds:SerialNumber>S-77</tds:SerialNumber><tds:HardwareId>4</tds:HardwareId>',
    ),
  GetServices: () =>
    answer(
      'tds:GetServices',
      service('http://www.onvif.org/ver10/device/wsdl', '10.9.9.9', '/onvif/device_service') +
        service('http://www.onvif.org/ver10/media/wsdl', '10.9.9.9', '/onvif/media?channel=1&amp;x=2') +
        service('http://www.onvif.org/ver20/ptz/wsdl', '10.9.9.9', '/onvif/ptz'),
    ),
  GetCapabilities: () =>
    answer(
      'tds:GetCapabilities',
      '<tds:Capabilities><tt:Device><tt:XAddr>http://10.9.9.9/onvif/device_service</tt:XAddr></tt:Device><tt:Media><tt:XAddr>http://10.9.9.9/old/media</tt:XAddr></tt:Media></tds:Capabilities>',
    ),
  GetProfiles: () => answer('trt:GetProfiles', TWO_PROFILES),
  GetStreamUri: () =>
    answer(
      'trt:GetStreamUri',
      '<trt:MediaUri><tt:Uri>rtsp://10.9.9.9:8554/live/main?a=1&amp;b=2</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>',
    ),
  GetVideoEncoderConfiguration: () => answer('trt:GetVideoEncoderConfiguration', encoder('trt:Configuration', 'enc-sub', 640, 360)),
  GetVideoEncoderConfigurationOptions: () => answer('trt:GetVideoEncoderConfigurationOptions', OPTIONS),
  SetVideoEncoderConfiguration: () => answer('trt:SetVideoEncoderConfiguration', ''),
  SetSynchronizationPoint: () => answer('trt:SetSynchronizationPoint', ''),
  GetNode: () =>
    answer(
      'tptz:GetNode',
      '<tptz:PTZNode token="node-1"><tt:SupportedPTZSpaces><tt:ContinuousPanTiltVelocitySpace><tt:URI>u</tt:URI></tt:ContinuousPanTiltVelocitySpace></tt:SupportedPTZSpaces><tt:MaximumNumberOfPresets>0</tt:MaximumNumberOfPresets><tt:HomeSupported>false</tt:HomeSupported></tptz:PTZNode>',
    ),
  ContinuousMove: () => answer('tptz:ContinuousMove', ''),
  Stop: () => answer('tptz:Stop', ''),
};

/** The plain camera; `special` answers instead where it returns something. */
export function plainCamera(special: (request: FakeRequest) => ReturnType<Responder> = () => undefined): Responder {
  return async (request) =>
    (await special(request)) ?? ANSWERS[request.operation]?.() ?? fault(['ActionNotSupported'], 'No such operation', 500);
}

/** An answer to answer nothing at all with (undefined means "as usual" to plainCamera). */
export const never = (): Promise<never> => new Promise(() => undefined);
