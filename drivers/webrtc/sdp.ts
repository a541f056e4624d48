/**
 * The viewer's offer, read by us, and our answer, written by us (RFC 8866, 8829, 8839, 8843). The native library only ever sees
 * an offer rebuilt from values that were checked here, and of its answer only the values listed in NativeAnswer are taken: what
 * a hostile relay writes into an SDP reaches nothing else.
 */
import { DriverError } from '../port.js';
import { chooseFormat, type VideoFormat, type VideoWish } from './format.js';
import { usableCandidates } from './ice.js';
import { type AudioPayloads, audioFormats, audioLines, chooseAudio } from './sdp-audio.js';

const MAX_SDP_BYTES = 64 * 1024;
const MAX_SECTIONS = 16;
const FINGERPRINT = /^sha-256 (?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/;

interface Section {
  readonly kind: string;
  readonly protocol: string;
  readonly formats: readonly string[];
  readonly mid: string;
  readonly lines: readonly string[];
}

type Part = 'video' | 'audio' | 'data' | 'rejected';

/** An offer that passed every check. */
export interface ViewerOffer {
  /** `sha-256 AB:CD:...`, upper case: the only certificate that may connect. */
  readonly fingerprint: string;
  readonly format: VideoFormat;
  readonly videoMid: string;
  /** Undefined when sound is not wanted or there is no place for it. */
  readonly audio: AudioPayloads | undefined;
  /** The offer rebuilt for the native library: only what we accept. */
  readonly nativeSdp: string;
  readonly sections: readonly {
    readonly part: Part;
    readonly kind: string;
    readonly protocol: string;
    readonly formats: string;
    readonly mid: string;
  }[];
}

const bad = (message: string): DriverError => new DriverError('viewer.bad_offer', message);

/** Checks an offer and plans the answer. Throws DriverError `viewer.bad_offer`. */
export function readOffer(sdp: string, wish: VideoWish, mayHear = false): ViewerOffer {
  if (sdp.length > MAX_SDP_BYTES) throw bad('the offer is larger than 64 KiB');
  const lines = sdp.split(/\r\n|\n/).filter((line) => line !== '');
  if (lines[0] !== 'v=0') throw bad('the offer is no SDP');
  const { session, sections } = split(lines);
  const fingerprint = onlyFingerprint(lines);
  const { video, format } = pickVideo(sections, wish);
  const data = sections.find((section) => section.kind === 'application' && section.formats[0] === 'webrtc-datachannel');
  const hearing = mayHear ? sections.find((section) => isReceiving(section, 'audio') && chooseAudio(section) !== undefined) : undefined;
  const audio = hearing === undefined ? undefined : chooseAudio(hearing);
  const parts = sections.map((section): Part => {
    if (section === video) return 'video';
    if (section === hearing) return 'audio';
    return section === data ? 'data' : 'rejected';
  });
  const ice = {
    ufrag: attribute('ice-ufrag', video.lines, session, /^[A-Za-z0-9+/]{4,256}$/),
    pwd: attribute('ice-pwd', video.lines, session, /^[A-Za-z0-9+/]{22,256}$/),
    setup: attribute('setup', video.lines, session, /^(actpass|active|passive)$/),
  };
  const candidates = usableCandidates(lines);
  return {
    fingerprint,
    format,
    videoMid: video.mid,
    audio,
    nativeSdp: nativeOffer({ fingerprint, ...ice, candidates, format, videoMid: video.mid, audio, dataMid: data?.mid }),
    sections: sections.map((section, index) => ({
      part: parts[index] ?? 'rejected',
      kind: section.kind,
      protocol: section.protocol,
      formats: section.formats.join(' '),
      mid: section.mid,
    })),
  };
}

function split(lines: readonly string[]): { session: readonly string[]; sections: readonly Section[] } {
  const starts = lines.flatMap((line, index) => (line.startsWith('m=') ? [index] : []));
  if (starts.length === 0 || starts.length > MAX_SECTIONS) throw bad('the offer has no media section, or too many');
  const sections = starts.map((start, index): Section => {
    const match = /^m=([a-z]{1,16}) \d{1,5} ([A-Za-z/]{1,40})((?: [A-Za-z0-9-]{1,32}){1,64})$/.exec(lines[start] ?? '');
    if (match === null) throw bad('a media line of the offer is broken');
    const own = lines.slice(start, starts[index + 1]);
    const mid = /^a=mid:([A-Za-z0-9_-]{1,16})$/.exec(own.find((line) => line.startsWith('a=mid:')) ?? '')?.[1];
    if (mid === undefined) throw bad('a media section of the offer has no mid');
    return { kind: match[1] ?? '', protocol: match[2] ?? '', formats: (match[3] ?? '').trim().split(' '), mid, lines: own };
  });
  if (new Set(sections.map((section) => section.mid)).size !== sections.length) throw bad('two media sections of the offer share a mid');
  return { session: lines.slice(0, starts[0]), sections };
}

/** RFC 8122 allows several; we do not: two fingerprints are how a relay would slip in its own certificate. */
function onlyFingerprint(lines: readonly string[]): string {
  const found = new Set<string>();
  for (const line of lines) {
    const match = /^a=fingerprint:\s*(\S+)\s+(\S+)\s*$/i.exec(line);
    if (match !== null) found.add(`${match[1]?.toLowerCase()} ${match[2]?.toUpperCase()}`);
    else if (/^a=fingerprint/i.test(line)) throw bad('a fingerprint of the offer is broken');
  }
  const [only] = found;
  if (found.size !== 1 || only === undefined) throw bad('the offer must name exactly one certificate fingerprint');
  if (!FINGERPRINT.test(only)) throw bad('the certificate fingerprint of the offer is not sha-256');
  return only;
}

const isReceiving = (section: Section, kind: 'video' | 'audio'): boolean =>
  section.kind === kind &&
  /^(UDP\/TLS|TCP\/DTLS)\/RTP\/SAVPF$/.test(section.protocol) &&
  section.lines.includes('a=rtcp-mux') &&
  !section.lines.some((line) => line === 'a=sendonly' || line === 'a=inactive');

function pickVideo(sections: readonly Section[], wish: VideoWish): { video: Section; format: VideoFormat } {
  const receiving = sections.filter((section) => isReceiving(section, 'video'));
  if (receiving.length === 0) throw bad('the offer has no video section that receives');
  for (const video of receiving) {
    const format = chooseFormat(video.formats, video.lines, wish);
    if (format !== undefined) return { video, format };
  }
  throw bad(`the viewer cannot play ${wish.codec === 'H264' ? 'H.264 (packetization mode 1)' : 'H.265'}`);
}

function attribute(name: string, media: readonly string[], session: readonly string[], shape: RegExp): string {
  const line = [...media, ...session].find((each) => each.startsWith(`a=${name}:`));
  const value = line?.slice(name.length + 3) ?? '';
  if (!shape.test(value)) throw bad(`the offer has no usable ${name}`);
  return value;
}

interface NativeOfferParts {
  readonly fingerprint: string;
  readonly ufrag: string;
  readonly pwd: string;
  readonly setup: string;
  readonly candidates: readonly string[];
  readonly format: VideoFormat;
  readonly videoMid: string;
  readonly audio: AudioPayloads | undefined;
  readonly dataMid: string | undefined;
}

function nativeOffer(parts: NativeOfferParts): string {
  const transport = [
    `a=ice-ufrag:${parts.ufrag}`,
    `a=ice-pwd:${parts.pwd}`,
    `a=fingerprint:${parts.fingerprint}`,
    `a=setup:${parts.setup}`,
  ];
  const data =
    parts.dataMid === undefined
      ? []
      : [
          'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
          'c=IN IP4 0.0.0.0',
          ...transport,
          `a=mid:${parts.dataMid}`,
          'a=sctp-port:5000',
        ];
  const { audio } = parts;
  const sound =
    audio === undefined
      ? []
      : [
          `m=audio 9 UDP/TLS/RTP/SAVPF ${audioFormats(audio)}`,
          'c=IN IP4 0.0.0.0',
          ...transport,
          `a=mid:${audio.mid}`,
          'a=recvonly',
          'a=rtcp-mux',
          ...audioLines(audio),
        ];
  const mids = [parts.videoMid, audio?.mid, parts.dataMid].filter((mid) => mid !== undefined);
  return lines(
    ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0'],
    [`a=group:BUNDLE ${mids.join(' ')}`],
    [`m=video 9 UDP/TLS/RTP/SAVPF ${parts.format.payloadType}`, 'c=IN IP4 0.0.0.0', ...transport, `a=mid:${parts.videoMid}`],
    // No end-of-candidates: a browser that hides its addresses is found by its own checks (peer-reflexive).
    ['a=recvonly', 'a=rtcp-mux', ...formatLines(parts.format), ...parts.candidates],
    sound,
    data,
  );
}

function formatLines(format: VideoFormat): readonly string[] {
  const pt = format.payloadType;
  return [
    `a=rtpmap:${pt} ${format.codec}/90000`,
    `a=rtcp-fb:${pt} nack`,
    `a=rtcp-fb:${pt} nack pli`,
    `a=rtcp-fb:${pt} ccm fir`,
    ...(format.isEstimating ? [`a=rtcp-fb:${pt} goog-remb`] : []),
    ...(format.parameters === '' ? [] : [`a=fmtp:${pt} ${format.parameters}`]),
  ];
}

const lines = (...groups: readonly (readonly string[])[]): string => `${groups.flat().join('\r\n')}\r\n`;

/** What we take of the native library's answer. */
export interface NativeAnswer {
  readonly fingerprint: string;
  readonly ufrag: string;
  readonly pwd: string;
  readonly setup: 'active' | 'passive';
  readonly candidates: readonly string[];
}

/** Throws DriverError `viewer.failed` when the native library answers with something else than expected. */
export function readNativeAnswer(sdp: string): NativeAnswer {
  const all = sdp.split(/\r?\n/);
  const first = (name: string): string => all.find((line) => line.startsWith(`a=${name}:`))?.slice(name.length + 3) ?? '';
  const setup = first('setup');
  const fingerprint = onlyFingerprint(all);
  if (setup !== 'active' && setup !== 'passive') throw new DriverError('viewer.failed', 'the WebRTC library gave an answer without a role');
  const candidates = [...new Set(all.filter((line) => line.startsWith('a=candidate:')))];
  if (candidates.length === 0) throw new DriverError('viewer.failed', 'this machine has no network address for the viewer to reach');
  return { fingerprint, ufrag: first('ice-ufrag'), pwd: first('ice-pwd'), setup, candidates };
}

/** Our answer: one fingerprint, video send-only with our SSRC, everything we do not serve rejected in place (RFC 8829 5.3.1). */
export function writeAnswer(offer: ViewerOffer, native: NativeAnswer, ssrc: number, audioSsrc = 0): string {
  const accepted = offer.sections.filter((section) => section.part !== 'rejected').map((section) => section.mid);
  const transport = [
    `a=ice-ufrag:${native.ufrag}`,
    `a=ice-pwd:${native.pwd}`,
    `a=setup:${native.setup}`,
    ...native.candidates,
    'a=end-of-candidates',
  ];
  const video = ['a=sendonly', 'a=rtcp-mux', ...formatLines(offer.format), 'a=msid:sightline video', `a=ssrc:${ssrc} cname:sightline`];
  const sections = offer.sections.flatMap((section) => {
    const head = (port: number): string => `m=${section.kind} ${port} ${section.protocol} `;
    if (section.part === 'video')
      return [`${head(9)}${offer.format.payloadType}`, 'c=IN IP4 0.0.0.0', `a=mid:${section.mid}`, ...video, ...transport];
    if (section.part === 'audio' && offer.audio !== undefined)
      return [
        `${head(9)}${audioFormats(offer.audio)}`,
        'c=IN IP4 0.0.0.0',
        `a=mid:${section.mid}`,
        ...['a=sendonly', 'a=rtcp-mux', ...audioLines(offer.audio), 'a=msid:sightline audio', `a=ssrc:${audioSsrc} cname:sightline`],
        ...transport,
      ];
    if (section.part === 'data')
      return [
        `${head(9)}${section.formats}`,
        'c=IN IP4 0.0.0.0',
        `a=mid:${section.mid}`,
        'a=sctp-port:5000',
        'a=max-message-size:65536',
        ...transport,
      ];
    return [`${head(0)}${section.formats}`, 'c=IN IP4 0.0.0.0', `a=mid:${section.mid}`, 'a=inactive'];
  });
  return lines(
    ['v=0', 'o=sightline 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0', `a=group:BUNDLE ${accepted.join(' ')}`, 'a=msid-semantic:WMS *'],
    [`a=fingerprint:${native.fingerprint}`],
    sections,
  );
}
