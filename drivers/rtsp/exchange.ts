/** Requests with a login: answers the camera's challenge, never sends a refused password twice, and puts statuses into words. */
import { basicAuthorization, createDigest, type DigestSession, makeCnonce, offersBasic, parseChallenges, pickDigest } from '../digest.js';
import { DriverError, type DriverErrorCode, type Login } from '../port.js';
import type { Connection } from './connection.js';
import { headerOf, type RtspResponse } from './messages.js';

/**
 * What is known about the camera's idea of a login. It outlives a connection, because some cameras close it with the 401 and
 * redirects open another.
 */
export class Credentials {
  private readonly login: Login | undefined;
  private session: DigestSession | undefined;
  private basic: string | undefined;
  /** The camera has taken an answer made of this login: a later 401 means a new nonce, not a wrong password. */
  private isProven = false;
  /** One of the connections showed another certificate than expected: where it leads, the password does not go in clear. */
  private isDistrusted = false;
  private renewals = 0;

  constructor(login: Login | undefined) {
    this.login = login;
  }

  /** The Authorization value, undefined before the first challenge; throws `camera.unauthorized` instead of telling a stranger the password. */
  authorize(method: string, uri: string): string | undefined {
    if (this.session === undefined && this.basic !== undefined) this.requireTrust();
    return this.session?.authorize(method, uri) ?? this.basic;
  }

  /** Whoever answers may not be the camera: Basic is not used any more, on no connection that follows. */
  distrust(): void {
    this.isDistrusted = true;
  }

  private requireTrust(): void {
    if (!this.isDistrusted) return;
    throw new DriverError(
      'camera.unauthorized',
      'The camera shows another certificate than before and wants the password in clear, so it was not sent. If the camera was exchanged or set up anew, restart the agent.',
      { detail: { isPinChanged: true } },
    );
  }

  /** Tells that a request with these credentials was let in. */
  prove(): void {
    this.isProven = this.session !== undefined || this.basic !== undefined;
    this.renewals = 0;
  }

  /** Takes a 401 in. Returns when another try makes sense; throws `camera.unauthorized` when it would only repeat a refusal. */
  challenge(response: RtspResponse, isSecure: boolean): void {
    if (this.login === undefined)
      throw new DriverError('camera.unauthorized', 'The camera asks for a login for its stream and none is configured.');
    const challenges = parseChallenges(response.headers.get('www-authenticate'));
    const digest = pickDigest(challenges);
    const wasRefused = (this.session !== undefined || this.basic !== undefined) && !this.isProven && digest?.isStale !== true;
    if (wasRefused || this.renewals >= 2)
      throw new DriverError('camera.unauthorized', 'The camera refuses the user or password for its stream.');
    this.isProven = false;
    this.renewals += 1;
    if (digest !== undefined) this.session = createDigest(digest, this.login, makeCnonce());
    else if (offersBasic(challenges) && isSecure) {
      this.requireTrust();
      if (this.login.mayBasic !== true)
        throw new DriverError(
          'camera.unauthorized',
          'The device wants the password itself for its stream, and nobody entered it for this address, so it was not sent.',
          { detail: { isPasswordWithheld: true } },
        );
      this.basic = basicAuthorization(this.login);
    } else if (offersBasic(challenges)) {
      throw new DriverError(
        'camera.unsupported',
        'The camera wants the password in clear over an unencrypted connection; switch it to digest or to rtsps.',
      );
    } else throw new DriverError('camera.unsupported', 'The camera asks for a kind of login that is not supported.');
  }
}

/**
 * One request with as many tries as the login needs. The answer is final, with one exception: a 401 whose connection the camera closes
 * comes back as it is, and the same request on a new connection will carry the login.
 */
export async function exchange(
  connection: Connection,
  credentials: Credentials,
  request: {
    readonly method: string;
    readonly uri: string;
    readonly isSecure: boolean;
    readonly fields: Readonly<Record<string, string | undefined>>;
  },
): Promise<RtspResponse> {
  // Whom it leads to is known before anything of the login is made.
  await connection.ready();
  for (;;) {
    const authorization = credentials.authorize(request.method, request.uri);
    const response = await connection.request(request.method, request.uri, { ...request.fields, Authorization: authorization });
    if (response.status !== 401) {
      credentials.prove();
      return response;
    }
    credentials.challenge(response, request.isSecure);
    if (headerOf(response, 'connection')?.toLowerCase() === 'close') return response;
  }
}

const STATUS: ReadonlyMap<number, readonly [DriverErrorCode, string]> = new Map([
  [401, ['camera.unauthorized', 'The camera refuses the user or password for its stream']],
  [403, ['camera.unauthorized', 'The camera does not allow this user to see the stream']],
  [404, ['camera.unsupported', 'The camera does not have this stream']],
  [410, ['camera.unsupported', 'The camera does not have this stream any more']],
  [415, ['stream.unsupported', 'The camera cannot describe this stream']],
  [453, ['camera.bad_answer', 'The camera has no bandwidth left for another stream']],
  [454, ['camera.bad_answer', 'The camera has forgotten the session']],
  [461, ['stream.unsupported', 'The camera does not offer its stream in a way that can be taken']],
  [503, ['camera.bad_answer', 'The camera is busy and serves no further stream now']],
]);

/** Passes a success on and turns every other status into an error in words; what is retryable follows from its code. */
export function requireOk(response: RtspResponse, step: string): RtspResponse {
  const { status } = response;
  if (status >= 200 && status < 300) return response;
  const [code, words] = STATUS.get(status) ?? [
    status >= 500 ? 'camera.bad_answer' : 'camera.refused',
    'The camera refuses to start the stream',
  ];
  throw new DriverError(code, `${words} (${status} at ${step}).`, { detail: { status, step, reason: response.reason.slice(0, 80) } });
}
