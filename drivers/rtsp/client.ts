/** Opens video streams over RTSP, with TCP interleaving or else UDP (RFC 2326): DESCRIBE, SETUP, PLAY, within one deadline and one host. */
import { type DriverClock, DriverError, type DriverLog, type StreamClient, type StreamRequest } from '../port.js';
import { type Certificates, certificatesOf } from './certificates.js';
import { Connection } from './connection.js';
import { Credentials, exchange, requireOk } from './exchange.js';
import { headerOf, parseSession, parseTransport, parseUdpTransport, type RtspResponse } from './messages.js';
import { type ClockedTrack, Pull } from './pull.js';
import { chooseVideo, parseSdp, type Sdp, type VideoChoice } from './sdp.js';
import { chooseAudio } from './sdp-audio.js';
import { UdpPair } from './udp.js';
import { basePath, controlPaths, formatRtspUri, type RtspUri, requireRtspUri } from './uri.js';

/** What the client needs of the agent. */
export interface StreamClientParts {
  readonly clock: DriverClock;
  readonly log: DriverLog;
}

const OPEN_DEADLINE_MS = 10_000;
/** Redirects and connections closed behind a 401, together. */
const MAX_CONNECTIONS = 5;
const UNSUPPORTED_TRANSPORT = 461;
/** Answers to SETUP that speak of the address, so that the next reading of a=control may do better. */
const WRONG_ADDRESS: ReadonlySet<number> = new Set([400, 404, 451]);

/** One opening: what is shared by its steps, and the two ways to stop it from outside. */
class Opening {
  readonly credentials: Credentials;
  readonly request: StreamRequest;
  pull: Pull | undefined;
  private readonly parts: StreamClientParts;
  private readonly certificates: Certificates;
  private readonly deadline: { cancel(): void };
  private connection: Connection | undefined;
  private stopReason: DriverError | undefined;

  constructor(parts: StreamClientParts, certificates: Certificates, request: StreamRequest) {
    this.parts = parts;
    this.certificates = certificates;
    this.request = request;
    this.credentials = new Credentials(request.login);
    this.deadline = parts.clock.after(OPEN_DEADLINE_MS, () =>
      this.stop(new DriverError('camera.timeout', `The camera did not start the stream within ${OPEN_DEADLINE_MS / 1000} seconds.`)),
    );
    request.signal.addEventListener('abort', this.abort, { once: true });
    if (request.signal.aborted) this.abort();
  }

  /** A connection to `target` in place of the one before. */
  connect(target: RtspUri): Connection {
    this.connection?.destroy(new DriverError('driver.aborted', 'Another connection takes over.'));
    if (this.stopReason !== undefined) throw this.stopReason;
    this.connection = new Connection({
      target,
      clock: this.parts.clock,
      log: this.parts.log,
      onPacket: (channel, buffer, start, end) => this.pull?.onPacket(channel, buffer, start, end),
      onCertificate: (fingerprint) => {
        if (!this.certificates.isExpected(target, fingerprint, this.parts.log)) this.credentials.distrust();
      },
    });
    return this.connection;
  }

  /** Ends the opening and whatever it holds; the steps under way fail with `reason`. */
  stop(reason: DriverError): void {
    this.stopReason ??= reason;
    this.connection?.destroy(reason);
  }

  /** The opening is over, well or not: nothing of it may fire later. */
  finish(): void {
    this.deadline.cancel();
    this.request.signal.removeEventListener('abort', this.abort);
  }

  private readonly abort = (): void => this.stop(new DriverError('driver.aborted', 'Opening the stream was given up.'));
}

interface Described {
  readonly connection: Connection;
  readonly target: RtspUri;
  readonly response: RtspResponse;
}

/** The address a redirect leads to: same host, and never from an encrypted connection to a plain one. */
function redirectTarget(response: RtspResponse, from: RtspUri, allowedHost: string): RtspUri {
  const target = requireRtspUri(headerOf(response, 'location') ?? '', allowedHost);
  if (from.isSecure && !target.isSecure)
    throw new DriverError('stream.bad_uri', 'The camera redirects from an encrypted stream to an unencrypted one.');
  return target;
}

async function describe(opening: Opening): Promise<Described> {
  const { allowedHost, uri } = opening.request;
  let target = requireRtspUri(uri, allowedHost);
  for (let count = 0; count < MAX_CONNECTIONS; count++) {
    const connection = opening.connect(target);
    const response = await exchange(connection, opening.credentials, {
      method: 'DESCRIBE',
      uri: formatRtspUri(target),
      isSecure: target.isSecure,
      fields: { Accept: 'application/sdp' },
    });
    if (response.status >= 300 && response.status < 400) target = redirectTarget(response, target, allowedHost);
    else if (response.status !== 401) return { connection, target, response: requireOk(response, 'DESCRIBE') };
  }
  throw new DriverError('camera.bad_answer', 'The camera redirects the stream address in a circle.');
}

function requireVideo(choice: VideoChoice): Extract<VideoChoice, { control: string | undefined }> {
  if (choice.track !== undefined) return choice;
  const what = choice.offered.length === 0 ? 'no video' : choice.offered.join(', ');
  throw new DriverError('stream.unsupported', `The camera's stream is neither H.264 nor H.265 (${what}).`, {
    detail: { offered: choice.offered },
  });
}

interface Wanted {
  readonly opening: Opening;
  readonly described: Described;
  /** Readings of the control address, the likeliest first. */
  readonly paths: readonly string[];
}

async function setUp({ opening, described, paths }: Wanted, transport: string): Promise<RtspResponse> {
  const { connection, target } = described;
  let last: RtspResponse | undefined;
  for (const path of paths) {
    last = await exchange(connection, opening.credentials, {
      method: 'SETUP',
      uri: formatRtspUri(target, path),
      isSecure: target.isSecure,
      fields: { Transport: transport },
    });
    if (!WRONG_ADDRESS.has(last.status)) break;
  }
  if (last === undefined) throw new DriverError('camera.bad_answer', 'The camera names no address for its video.');
  return last;
}

interface Way {
  readonly setup: RtspResponse;
  readonly udp: UdpPair | undefined;
}

/** TCP first: it passes every firewall and loses nothing. UDP where the camera refuses that, but never beside an encrypted connection. */
async function chooseWay(parts: StreamClientParts, wanted: Wanted, payloadType: number): Promise<Way> {
  const { connection, target } = wanted.described;
  const setup = await setUp(wanted, 'RTP/AVP/TCP;unicast;interleaved=0-1');
  if (setup.status === UNSUPPORTED_TRANSPORT && !target.isSecure) return setUpUdp(parts, wanted, payloadType);
  const channels = parseTransport(headerOf(requireOk(setup, 'SETUP'), 'transport'));
  if (channels === undefined) throw new DriverError('stream.unsupported', 'The camera does not offer its stream over TCP.');
  Object.assign(connection.framer, { rtpChannel: channels.rtp, rtcpChannel: channels.rtcp, payloadType });
  return { setup, udp: undefined };
}

async function setUpUdp(parts: StreamClientParts, wanted: Wanted, payloadType: number): Promise<Way> {
  const { connection } = wanted.described;
  const { opening } = wanted;
  const { local, camera } = connection.addresses;
  const { rtpChannel, rtcpChannel } = connection.framer;
  const udp = await UdpPair.open({
    localAddress: local,
    cameraAddress: camera,
    log: parts.log,
    handlers: {
      onRtp: (packet) => {
        if (((packet[1] ?? 0) & 0x7f) !== payloadType) return;
        connection.takePacket(() => opening.pull?.onPacket(rtpChannel, packet, 0, packet.length));
      },
      onRtcp: (packet) => connection.takePacket(() => opening.pull?.onPacket(rtcpChannel, packet, 0, packet.length)),
    },
  });
  connection.alongWith(() => udp.close());
  const setup = requireOk(await setUp(wanted, `RTP/AVP;unicast;client_port=${udp.rtpPort}-${udp.rtpPort + 1}`), 'SETUP');
  const source = parseUdpTransport(headerOf(setup, 'transport'));
  if (source === undefined) throw new DriverError('stream.unsupported', 'The camera offers its stream neither over TCP nor over UDP.');
  udp.expect(source);
  return { setup, udp };
}

/** What is to be set up of a description. Throws `stream.unsupported`. */
type Choose<Track> = (sdp: Sdp) => { readonly track: Track; readonly control: string | undefined };

async function open<Track extends ClockedTrack & { readonly payloadType: number }>(
  parts: StreamClientParts,
  opening: Opening,
  choose: Choose<Track>,
): Promise<Pull<Track>> {
  const described = await describe(opening);
  const { connection, target, response } = described;
  const sdp = parseSdp(Buffer.from(response.body).toString('utf8'));
  const { track, control } = choose(sdp);
  const base = basePath(headerOf(response, 'content-base') ?? headerOf(response, 'content-location'), target.path);
  const aggregatePath = controlPaths(sdp.control, base, target.path)[0] ?? base;

  const paths = control === undefined ? [aggregatePath] : controlPaths(control, base, target.path);
  const { setup, udp } = await chooseWay(parts, { opening, described, paths }, track.payloadType);
  const session = parseSession(headerOf(setup, 'session') ?? '');
  const sessionId = session.id === '' ? undefined : session.id;
  const controlUri = formatRtspUri(target, aggregatePath);

  const { clock, log } = parts;
  const { credentials, request } = opening;
  const shared = { clock, log, connection, credentials, request, track, controlUri, isSecure: target.isSecure };
  const pull = new Pull({ ...shared, sessionId, sessionTimeoutMs: session.timeoutMs, udp });
  opening.pull = pull;
  const fields = { Session: sessionId, Range: 'npt=0.000-' };
  requireOk(await exchange(connection, credentials, { method: 'PLAY', uri: controlUri, isSecure: target.isSecure, fields }), 'PLAY');
  if (connection.reason !== undefined) throw connection.reason;
  pull.start();
  return pull;
}

/** Every failure leaves as a DriverError, and no socket is left behind by one. */
function asDriverError(cause: unknown): DriverError {
  if (cause instanceof DriverError) return cause;
  return new DriverError('camera.bad_answer', 'The camera answered in a way that could not be handled.', { cause });
}

/**
 * A client for any number of streams. `open` rejects with a DriverError only: the stream address is checked before a socket is made,
 * the total deadline is 10 s, and the signal closes the socket at once at every stage, playing included.
 */
export function createStreamClient(parts: StreamClientParts): StreamClient {
  const certificates = certificatesOf(parts.clock);
  const opened = async <Track extends ClockedTrack & { readonly payloadType: number }>(
    request: StreamRequest,
    choose: Choose<Track>,
  ): Promise<Pull<Track>> => {
    const opening = new Opening(parts, certificates, request);
    try {
      return await open(parts, opening, choose);
    } catch (cause) {
      const reason = asDriverError(cause);
      opening.stop(reason);
      throw reason;
    } finally {
      opening.finish();
    }
  };
  return {
    open: (request) =>
      opened(request, (sdp) => {
        const choice = requireVideo(chooseVideo(sdp));
        request.onTrack?.(choice.track);
        return choice;
      }),
    openAudio: (request) => opened(request, chooseAudio),
  };
}
