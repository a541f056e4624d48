/** The way back for sound: the loudspeaker, its decoder, and which profiles carry them, in the words of both Media services. */
import { requireToken } from './device-service.js';
import { acts, type Operation, reads, type Service } from './operation.js';
import { invalidArgument, SoapFault } from './soap.js';
import { textAt, type XmlElement } from './xml.js';

export const SPEAKER = 'speaker_0';
const OUTPUT = 'output_0';
const DECODER = 'decoder_0';
/** What Media2 calls them; Media1 has the names in those of its operations. */
type Part = 'AudioOutput' | 'AudioDecoder';
const PARTS: readonly Part[] = ['AudioOutput', 'AudioDecoder'];
const tokenOf = (part: Part): string => (part === 'AudioOutput' ? OUTPUT : DECODER);

/** Which profiles carry which part of the way back. */
export class Backchannel {
  /** There is a loudspeaker. */
  readonly isThere: boolean;
  readonly #startsBound: boolean;
  /** `part profile`, where it is not as at the start. */
  readonly #changed = new Map<string, boolean>();

  constructor(isThere: boolean, startsBound: boolean) {
    this.isThere = isThere;
    this.#startsBound = startsBound;
  }

  has(part: Part, profile: string): boolean {
    return this.isThere && (this.#changed.get(`${part} ${profile}`) ?? this.#startsBound);
  }

  /** Whether a profile's stream takes sound. */
  isCarriedBy(profile: string): boolean {
    return PARTS.every((part) => this.has(part, profile));
  }

  change(part: Part, profile: string, isOn: boolean): void {
    this.#changed.set(`${part} ${profile}`, isOn);
  }
}

const NAMES: Readonly<Record<Part, string>> = {
  AudioOutput: `<tt:Name>Speaker</tt:Name><tt:UseCount>2</tt:UseCount><tt:OutputToken>${SPEAKER}</tt:OutputToken><tt:OutputLevel>50</tt:OutputLevel>`,
  AudioDecoder: '<tt:Name>G.711</tt:Name><tt:UseCount>2</tt:UseCount>',
};

/** One part as an element of the given name. */
const partXml = (tag: string, part: Part): string => `<${tag} token="${tokenOf(part)}">${NAMES[part]}</${tag}>`;

/** What a profile shows of it; `tagOf` gives the element's name. */
export function backchannelParts(state: Backchannel, profile: string, wanted: readonly Part[], tagOf: (part: Part) => string): string {
  return wanted
    .filter((part) => state.has(part, profile))
    .map((part) => partXml(tagOf(part), part))
    .join('');
}

const list = (items: readonly number[]): string => items.map((item) => `<tt:Items>${item}</tt:Items>`).join('');
const G711_1 = `<tt:G711DecOptions><tt:Bitrate>${list([64])}</tt:Bitrate><tt:SampleRateRange>${list([8])}</tt:SampleRateRange></tt:G711DecOptions>`;
const G711_2 = `<tt:Encoding>PCMU</tt:Encoding><tt:BitrateList>${list([64])}</tt:BitrateList><tt:SampleRateList>${list([8])}</tt:SampleRateList>`;

/** The configurations of one part, the same in both services but for the prefix. */
function configurations(prefix: 'trt' | 'tr2', state: Backchannel, part: Part): Service {
  const name = `Get${part}Configurations`;
  return {
    [name]: reads(prefix === 'trt' ? [] : ['ConfigurationToken', 'ProfileToken'], () => {
      return `<${prefix}:${name}Response>${state.isThere ? partXml(`${prefix}:Configurations`, part) : ''}</${prefix}:${name}Response>`;
    }),
  };
}

/** Media1: `Add…Configuration` and `Remove…Configuration` of each part. */
function changes1(state: Backchannel, profiles: () => readonly string[]): Service {
  const change = (part: Part, isOn: boolean): Operation =>
    acts(isOn ? ['ProfileToken', 'ConfigurationToken'] : ['ProfileToken'], (body) => {
      const profile = requireToken(body, 'ProfileToken', profiles(), 'NoProfile');
      if (isOn) requireToken(body, 'ConfigurationToken', state.isThere ? [tokenOf(part)] : [], 'NoConfig');
      state.change(part, profile, isOn);
      return `<trt:${isOn ? 'Add' : 'Remove'}${part}ConfigurationResponse/>`;
    });
  return Object.fromEntries(
    PARTS.flatMap((part) => [
      [`Add${part}Configuration`, change(part, true)],
      [`Remove${part}Configuration`, change(part, false)],
    ]),
  );
}

/** The audio part of Media1. */
export function audioOperations1(state: Backchannel, profiles: () => readonly string[]): Service {
  const respond = (name: string, inner: string): string => `<trt:${name}Response>${state.isThere ? inner : ''}</trt:${name}Response>`;
  const decoders = 'GetAudioDecoderConfigurationOptions';
  return {
    GetAudioSources: reads([], () => '<trt:GetAudioSourcesResponse/>'),
    GetAudioOutputs: reads([], () => respond('GetAudioOutputs', `<trt:AudioOutputs token="${SPEAKER}"/>`)),
    ...configurations('trt', state, 'AudioOutput'),
    ...configurations('trt', state, 'AudioDecoder'),
    [decoders]: reads(['ConfigurationToken', 'ProfileToken'], () => {
      if (!state.isThere)
        throw new SoapFault('Receiver', ['ter:ActionNotSupported', 'ter:AudioDecodingNotSupported'], 'No loudspeaker here');
      return respond(decoders, `<trt:Options>${G711_1}</trt:Options>`);
    }),
    ...changes1(state, profiles),
  };
}

interface Change {
  readonly part: Part;
  readonly token: string | undefined;
}

/** What an AddConfiguration or RemoveConfiguration names; this camera changes nothing else in a profile. */
function readChanges(body: XmlElement): readonly Change[] {
  const wanted = body.children.filter(({ name }) => name === 'Configuration');
  if (wanted.length === 0) throw new SoapFault('Sender', ['ter:InvalidArgs'], 'Configuration is missing');
  return wanted.map((one) => {
    const part = PARTS.find((known) => known === textAt(one, 'Type'));
    if (part === undefined)
      throw invalidArgument('ConfigurationConflict', 'Profiles of this camera are changed only in their audio output');
    return { part, token: textAt(one, 'Token') };
  });
}

/** The audio part of Media2. */
export function audioOperations2(state: Backchannel, profiles: () => readonly string[]): Service {
  const decoders = 'GetAudioDecoderConfigurationOptions';
  const change = (name: string, takes: readonly string[], isOn: boolean): Operation => ({
    ...acts(takes, (body) => {
      const profile = requireToken(body, 'ProfileToken', profiles(), 'NoProfile');
      const wanted = readChanges(body);
      const isKnown = ({ part, token }: Change): boolean => state.isThere && token === tokenOf(part);
      if (isOn && !wanted.every(isKnown)) throw invalidArgument('NoConfig', 'No such configuration');
      for (const { part } of wanted) state.change(part, profile, isOn);
      return `<tr2:${name}Response/>`;
    }),
    repeats: ['Configuration'],
  });
  return {
    ...configurations('tr2', state, 'AudioOutput'),
    ...configurations('tr2', state, 'AudioDecoder'),
    [decoders]: reads(['ConfigurationToken', 'ProfileToken'], () => {
      if (!state.isThere)
        throw new SoapFault('Receiver', ['ter:ActionNotSupported', 'ter:AudioDecodingNotSupported'], 'No loudspeaker here');
      return `<tr2:${decoders}Response><tr2:Options>${G711_2}</tr2:Options></tr2:${decoders}Response>`;
    }),
    AddConfiguration: change('AddConfiguration', ['ProfileToken', 'Name', 'Configuration'], true),
    RemoveConfiguration: change('RemoveConfiguration', ['ProfileToken', 'Configuration'], false),
  };
}
