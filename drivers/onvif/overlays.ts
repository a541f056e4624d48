import * as z from 'zod/mini';
import { type CallOptions, type CameraOverlay, DriverError, type OverlayDriver, type OverlayPlace } from '../port.js';
import type { OnvifLink } from './link.js';
import type { MediaChoice, MediaName } from './media-choice.js';
import type { Ask } from './services.js';
import { attributes, first, many, read, text } from './shapes.js';
import { escapeXml } from './xml.js';

const Point = first(z.object({ $: attributes('x', 'y') }));
const Overlay = z.object({
  $: attributes('token'),
  VideoSourceConfigurationToken: text,
  Type: text,
  Position: first(z.object({ Type: text, Pos: Point })),
  TextString: first(z.object({ Type: text, FontSize: text, PlainText: text })),
});
type Overlay = z.infer<typeof Overlay>;
const Overlays = z.object({ OSDs: many(Overlay) });
const Made = z.object({ OSDToken: text });

const PREFIX: Readonly<Record<MediaName, string>> = { media: 'trt', media2: 'tr2' };
const PLACES: Readonly<Record<OverlayPlace, string>> = {
  'upper-left': 'UpperLeft',
  'upper-right': 'UpperRight',
  'lower-left': 'LowerLeft',
  'lower-right': 'LowerRight',
};
/** Longer texts are cut by cameras without a word. */
const MAX_CHARS = 100;

const isPlain = ({ Type, TextString }: Overlay): boolean => Type === 'Text' && TextString?.Type === 'Plain';
const optional = (name: string, value: string | undefined): string =>
  value === undefined || value === '' ? '' : `<tt:${name}>${escapeXml(value)}</tt:${name}>`;

function assertText(words: string): void {
  if (words.length > 0 && words.length <= MAX_CHARS) return;
  throw new DriverError('camera.refused', `a text in the picture has 1 to ${MAX_CHARS} characters`, { detail: { length: words.length } });
}

function overlayElement(
  prefix: string,
  overlay: Pick<Overlay, 'Position' | 'VideoSourceConfigurationToken'>,
  inner: string,
  token: string,
): string {
  const { Type: place = 'UpperLeft', Pos: point } = overlay.Position ?? {};
  const at = place === 'Custom' && point !== undefined ? `<tt:Pos x="${escapeXml(point.$.x)}" y="${escapeXml(point.$.y)}"/>` : '';
  return (
    `<${prefix}:OSD token="${escapeXml(token)}">` +
    `<tt:VideoSourceConfigurationToken>${escapeXml(overlay.VideoSourceConfigurationToken)}</tt:VideoSourceConfigurationToken>` +
    `<tt:Type>Text</tt:Type><tt:Position><tt:Type>${escapeXml(place)}</tt:Type>${at}</tt:Position>${inner}</${prefix}:OSD>`
  );
}

const plainText = (words: string, fontSize = ''): string =>
  `<tt:TextString><tt:Type>Plain</tt:Type>${optional('FontSize', fontSize)}${optional('PlainText', words)}</tt:TextString>`;

async function askOverlays(ask: Ask, service: MediaName, configuration: string): Promise<readonly Overlay[]> {
  const prefix = PREFIX[service];
  const wanted = configuration === '' ? '' : `<${prefix}:ConfigurationToken>${escapeXml(configuration)}</${prefix}:ConfigurationToken>`;
  const said = await ask(service, 'GetOSDs', `<${prefix}:GetOSDs>${wanted}</${prefix}:GetOSDs>`);
  return read(Overlays, said, 'texts in the picture').OSDs.filter(({ $ }) => $.token !== '');
}

/** Texts in the picture of one video source; `configuration` is its video source configuration. */
export function openOverlays(link: OnvifLink, media: MediaChoice, configuration: string): OverlayDriver {
  const run = <T>(options: CallOptions, work: (ask: Ask, service: MediaName) => Promise<T>): Promise<T> =>
    link.run(options, ({ ask }) => media.either((service) => work(ask, service)));
  return {
    list: (options) =>
      run(options, async (ask, service): Promise<readonly CameraOverlay[]> => {
        const found = await askOverlays(ask, service, configuration);
        return found.map((overlay) => ({
          token: overlay.$.token,
          kind: overlay.Type === 'Text' ? 'text' : 'other',
          text: isPlain(overlay) ? (overlay.TextString?.PlainText ?? '') : '',
        }));
      }),
    async create(words, place, options) {
      assertText(words);
      return run(options, async (ask, service) => {
        const prefix = PREFIX[service];
        const at = { Position: { Type: PLACES[place], Pos: undefined }, VideoSourceConfigurationToken: configuration };
        const body = `<${prefix}:CreateOSD>${overlayElement(prefix, at, plainText(words), '')}</${prefix}:CreateOSD>`;
        return read(Made, await ask(service, 'CreateOSD', body), 'text in the picture').OSDToken;
      });
    },
    async setText(token, words, options) {
      assertText(words);
      await run(options, async (ask, service) => {
        const prefix = PREFIX[service];
        const had = (await askOverlays(ask, service, configuration)).find(({ $ }) => $.token === token);
        if (had === undefined) throw new DriverError('camera.refused', 'there is no such text in the picture', { detail: { token } });
        if (!isPlain(had)) throw new DriverError('camera.unsupported', 'this is no plain text', { detail: { token } });
        const inner = plainText(words, had.TextString?.FontSize);
        await ask(service, 'SetOSD', `<${prefix}:SetOSD>${overlayElement(prefix, had, inner, token)}</${prefix}:SetOSD>`);
      });
    },
    remove: (token, options) =>
      run(options, async (ask, service) => {
        const prefix = PREFIX[service];
        await ask(
          service,
          'DeleteOSD',
          `<${prefix}:DeleteOSD><${prefix}:OSDToken>${escapeXml(token)}</${prefix}:OSDToken></${prefix}:DeleteOSD>`,
        );
      }),
  };
}
