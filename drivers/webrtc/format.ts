/** Which of the viewer's payload types fits the camera's stream (RFC 6184 8.2.2, RFC 7798). Pure. */
export interface VideoWish {
  readonly codec: 'H264' | 'H265';
  /** Six hex digits of the camera's SPS; undefined when not known yet. */
  readonly profileLevelId: string | undefined;
}

/** The payload type both sides will use. */
export interface VideoFormat {
  readonly codec: 'H264' | 'H265';
  readonly payloadType: number;
  /** The fmtp value as offered (checked), may be empty. */
  readonly parameters: string;
  /** The viewer can tell how much its line carries (REMB). */
  readonly isEstimating: boolean;
}

/**
 * H.264: packetization mode 1 only, because cameras fragment. The same profile first; else constrained baseline and baseline,
 * which every browser offers and whose decoders play the higher profiles too; else whatever mode 1 there is. Undefined when none.
 */
export function chooseFormat(payloadTypes: readonly string[], lines: readonly string[], wish: VideoWish): VideoFormat | undefined {
  const offered = payloadTypes.flatMap((text) => {
    if (!/^\d{1,3}$/.test(text) || Number(text) > 127) return [];
    const isCodec = lines.some((line) => line.toUpperCase() === `A=RTPMAP:${text} ${wish.codec}/90000`);
    const parameters = lines.find((line) => line.startsWith(`a=fmtp:${text} `))?.slice(text.length + 8) ?? '';
    if (!isCodec || !/^[\x21-\x7e ]{0,200}$/.test(parameters)) return [];
    return [{ codec: wish.codec, payloadType: Number(text), parameters, isEstimating: lines.includes(`a=rtcp-fb:${text} goog-remb`) }];
  });
  if (wish.codec === 'H265') return offered[0];
  const playable = offered.filter((format) => parameter(format.parameters, 'packetization-mode') === '1');
  const wanted = wish.profileLevelId?.toLowerCase().slice(0, 4);
  const order = [...(wanted === undefined ? [] : [wanted, wanted.slice(0, 2)]), '42e0', '4200', '42'];
  for (const prefix of order) {
    const match = playable.find((format) => profileOf(format).startsWith(prefix));
    if (match !== undefined) return match;
  }
  return playable[0];
}

/** RFC 6184 8.1: without the parameter the profile is baseline at level 1. */
const profileOf = (format: VideoFormat): string => parameter(format.parameters, 'profile-level-id')?.toLowerCase() ?? '42000a';

function parameter(fmtp: string, name: string): string | undefined {
  for (const pair of fmtp.split(';')) {
    const [key, value] = pair.split('=');
    if (key?.trim().toLowerCase() === name) return value?.trim();
  }
  return undefined;
}
