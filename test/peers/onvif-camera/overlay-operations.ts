/** Texts in the picture (OSD), which both Media services have in their own namespaces. */
import { requireToken } from './device-service.js';
import type { Overlay, Overlays } from './media-state.js';
import { acts, type Operation, reads, type Service } from './operation.js';
import { invalidArgument, SoapFault } from './soap.js';
import { child, escapeXml, textAt, type XmlElement } from './xml.js';

const PLACES = ['UpperLeft', 'UpperRight', 'LowerLeft', 'LowerRight'];
const KINDS = ['Plain', 'DateAndTime'];
const MAX_OVERLAYS = 4;
const CONFIGURATION = 'source_config_0';

const OPTIONS = [
  `<tt:MaximumNumberOfOSDs Total="${MAX_OVERLAYS}" PlainText="${MAX_OVERLAYS}" DateAndTime="1"/><tt:Type>Text</tt:Type>`,
  ...PLACES.map((place) => `<tt:PositionOption>${place}</tt:PositionOption>`),
  `<tt:TextOption>${KINDS.map((kind) => `<tt:Type>${kind}</tt:Type>`).join('')}</tt:TextOption>`,
].join('');

function overlayXml(tag: string, { token, place, kind, text }: Overlay): string {
  const plain = kind === 'Plain' ? `<tt:PlainText>${escapeXml(text)}</tt:PlainText>` : '';
  const where = `<tt:Position><tt:Type>${place}</tt:Type></tt:Position>`;
  return `<${tag} token="${token}"><tt:VideoSourceConfigurationToken>${CONFIGURATION}</tt:VideoSourceConfigurationToken><tt:Type>Text</tt:Type>${where}<tt:TextString><tt:Type>${kind}</tt:Type>${plain}</tt:TextString></${tag}>`;
}

function readOverlay(body: XmlElement): Omit<Overlay, 'token'> & { readonly token: string } {
  const osd = child(body, 'OSD');
  if (osd === undefined) throw new SoapFault('Sender', ['ter:InvalidArgs'], 'OSD is missing');
  const place = textAt(osd, 'Position', 'Type') ?? '';
  const kind = textAt(osd, 'TextString', 'Type') ?? '';
  if (textAt(osd, 'VideoSourceConfigurationToken') !== CONFIGURATION) throw invalidArgument('NoVideoSource', 'No such video source');
  if (textAt(osd, 'Type') !== 'Text' || !PLACES.includes(place) || !KINDS.includes(kind))
    throw invalidArgument('InvalidOSD', 'This kind or place is not offered');
  return { token: osd.attributes.get('token') ?? '', place, kind, text: child(child(osd, 'TextString'), 'PlainText')?.text ?? '' };
}

/** The operations under a service's prefix. */
export function overlayOperations(prefix: 'trt' | 'tr2', overlays: Overlays): Service {
  const respond = (name: string, inner = ''): string => `<${prefix}:${name}Response>${inner}</${prefix}:${name}Response>`;
  const at = (token: string): number => overlays.all.findIndex((one) => one.token === token);
  const known = (): readonly string[] => overlays.all.map((one) => one.token);
  const one: Operation = reads(['OSDToken'], (body) => {
    const found = overlays.all[at(requireToken(body, 'OSDToken', known(), 'NoOSD'))];
    return respond('GetOSD', found === undefined ? '' : overlayXml('trt:OSD', found));
  });
  return {
    GetOSDs: reads(['OSDToken', 'ConfigurationToken'], (body) => {
      const token = textAt(body, 'OSDToken');
      const wanted = overlays.all.filter((overlay) => token === undefined || overlay.token === token);
      return respond('GetOSDs', wanted.map((overlay) => overlayXml(`${prefix}:OSDs`, overlay)).join(''));
    }),
    ...(prefix === 'trt' ? { GetOSD: one } : {}),
    GetOSDOptions: reads(['ConfigurationToken'], () => respond('GetOSDOptions', `<${prefix}:OSDOptions>${OPTIONS}</${prefix}:OSDOptions>`)),
    CreateOSD: acts(['OSD'], (body) => {
      const { place, kind, text } = readOverlay(body);
      if (overlays.all.length >= MAX_OVERLAYS) throw new SoapFault('Receiver', ['ter:Action', 'ter:MaxOSDs'], 'All places are taken');
      return respond('CreateOSD', `<${prefix}:OSDToken>${overlays.add({ place, kind, text })}</${prefix}:OSDToken>`);
    }),
    SetOSD: acts(['OSD'], (body) => {
      const wanted = readOverlay(body);
      const index = at(wanted.token);
      if (index < 0) throw invalidArgument('NoOSD', 'No such OSD');
      overlays.all[index] = wanted;
      return respond('SetOSD');
    }),
    DeleteOSD: acts(['OSDToken'], (body) => {
      overlays.all.splice(at(requireToken(body, 'OSDToken', known(), 'NoOSD')), 1);
      return respond('DeleteOSD');
    }),
  };
}
