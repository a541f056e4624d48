/** The audio section of a viewer's offer and of our answer: G.711 only, which every browser plays (RFC 7874). Pure. */

/** G.711 in its two kinds. */
export type G711 = 'PCMU' | 'PCMA';

/** The section that will be sent into. */
export interface AudioPayloads {
  readonly mid: string;
  readonly payloadTypes: ReadonlyMap<G711, number>;
}

/** Static payload types need no rtpmap (RFC 3551 table 4). */
const STATIC: Readonly<Record<string, G711>> = { 0: 'PCMU', 8: 'PCMA' };

/** The kinds of G.711 that a section offers; undefined when it has none or does not receive. */
export function chooseAudio(section: {
  readonly mid: string;
  readonly formats: readonly string[];
  readonly lines: readonly string[];
}): AudioPayloads | undefined {
  const payloadTypes = new Map<G711, number>();
  for (const format of section.formats) {
    if (!/^\d{1,3}$/.test(format) || Number(format) > 127) continue;
    const mapped = section.lines.find((line) => line.startsWith(`a=rtpmap:${format} `))?.slice(format.length + 10);
    const name = mapped === undefined ? STATIC[format] : /^(PCM[UA])\/8000(?:\/1)?$/i.exec(mapped)?.[1]?.toUpperCase();
    if ((name === 'PCMU' || name === 'PCMA') && !payloadTypes.has(name)) payloadTypes.set(name, Number(format));
  }
  return payloadTypes.size === 0 ? undefined : { mid: section.mid, payloadTypes };
}

/** Its payload types as they stand in a media line. */
export const audioFormats = (audio: AudioPayloads): string => [...audio.payloadTypes.values()].join(' ');

/** Its rtpmap lines. */
export const audioLines = (audio: AudioPayloads): readonly string[] =>
  [...audio.payloadTypes].map(([codec, payloadType]) => `a=rtpmap:${payloadType} ${codec}/8000`);
