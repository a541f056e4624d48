import { DriverError, type DriverErrorCode, type Login, type VideoEncoderOptions } from '../../drivers/port.js';
import { AgentError } from '../kernel/errors.js';
import type { CameraReason } from './ports.js';

/** Which camera the sentence is about. */
export interface ReasonContext {
  readonly host: string;
  /** The login in use; only its user name is ever said. */
  readonly login: Login | undefined;
}

const reason = (code: string, say: string, fix: string): CameraReason => ({ code, say, fix });

function refusedLogin(error: DriverError, { host, login }: ReasonContext): CameraReason {
  if (error.detail.isPinChanged === true) {
    return reason(
      'cameras.certificate_changed',
      `The device at ${host} shows another certificate than the camera did before, so nothing was sent to it.`,
      'If the camera was replaced or reset, restart Sightline to accept its new certificate. If not, look for a stranger in the network.',
    );
  }
  if (login === undefined) {
    return reason(
      'cameras.no_login',
      'Camera answers, but wants a password and none is set.',
      "Enter the user and password set on the camera's own page.",
    );
  }
  if (error.detail.isPasswordWithheld === true) {
    return reason(
      'cameras.password_withheld',
      `The device at ${host} wants the password itself, and nobody entered it for this address, so it was not sent.`,
      'If this is your camera, enter its user and password once more, for this camera.',
    );
  }
  const { triesLeft } = error.detail;
  const left = typeof triesLeft === 'number' ? `; ${triesLeft} left` : '';
  return reason(
    'cameras.wrong_password',
    `Camera answers, but refuses the password of user ${login.user} (ONVIF NotAuthorized). Sightline stops after 3 tries so that the camera does not lock the account${left}.`,
    "Enter the password set on the camera's own page.",
  );
}

function lockedOut(error: DriverError): CameraReason {
  const { waitMs } = error.detail;
  const minutes = typeof waitMs === 'number' ? Math.max(1, Math.ceil(waitMs / 60_000)) : 5;
  return reason(
    'cameras.locked_out',
    `Camera refused the password 3 times. Sightline waits ${minutes} min before the next try so that the camera does not lock the account.`,
    "Enter the password set on the camera's own page; it is tried at once.",
  );
}

function badStream(error: DriverError): CameraReason {
  const { scheme } = error.detail;
  const what = typeof scheme === 'string' ? `an address of kind "${scheme}"` : 'no usable address';
  return reason(
    'cameras.bad_stream_address',
    `Camera gives ${what} for its video; only rtsp is accepted.`,
    "Switch RTSP on, on the camera's own page, or update its firmware.",
  );
}

const SENTENCES: Readonly<Partial<Record<DriverErrorCode, (error: DriverError, context: ReasonContext) => CameraReason>>> = {
  'camera.unreachable': (_error, { host }) =>
    reason(
      'cameras.gone',
      `Nothing answers at ${host}.`,
      'Check power and network cable of the camera. If its address has changed, search for cameras again.',
    ),
  'camera.timeout': () =>
    reason(
      'cameras.slow',
      'Camera does not answer within 10 s.',
      'Restart the camera. If it stays slow, check its network cable and how many others watch it.',
    ),
  'camera.unauthorized': refusedLogin,
  'camera.locked_out': lockedOut,
  'camera.not_onvif': (_error, { host }) =>
    reason(
      'cameras.not_onvif',
      `Something answers at ${host}, but it does not speak ONVIF.`,
      "Switch ONVIF on, on the camera's own page, or correct the address.",
    ),
  'camera.bad_answer': () =>
    reason(
      'cameras.bad_answer',
      'Camera answers with something that cannot be read.',
      'Restart the camera. If it stays so, update its firmware.',
    ),
  'camera.unsupported': (error) =>
    reason('cameras.unsupported', `Camera cannot do this (${error.message}).`, 'Use a camera that can, or leave this setting as it is.'),
  'camera.refused': (error) => reason('cameras.refused', `Camera refuses this (${error.message}).`, 'Choose other values.'),
  'stream.bad_uri': badStream,
  'serial.unavailable': () =>
    reason(
      'cameras.serial_unavailable',
      'The serial port of this PTZ gear cannot be used now.',
      'Check that the adapter is plugged in and not used by another program.',
    ),
  'serial.timeout': () =>
    reason('cameras.serial_slow', 'The PTZ gear on the serial bus does not answer.', 'Check wiring, address and baud rate.'),
  'driver.aborted': () => reason('cameras.cancelled', 'The request was given up before the camera answered.', 'Try again.'),
};

/** Why a camera did not do what was asked, for a person. Anything but a DriverError is a defect of ours and says so. */
export function explain(thrown: unknown, context: ReasonContext): CameraReason {
  if (thrown instanceof AgentError) return reason(thrown.code, thrown.say, thrown.fix);
  const sentence = thrown instanceof DriverError ? SENTENCES[thrown.code] : undefined;
  if (thrown instanceof DriverError && sentence !== undefined) return sentence(thrown, context);
  return reason(
    'cameras.failed',
    'The request to the camera failed for a reason inside Sightline.',
    'Try again; if it stays so, send the support bundle.',
  );
}

/** The same as an error; an AgentError passes as it is. */
export function cameraError(thrown: unknown, context: ReasonContext): AgentError {
  if (thrown instanceof AgentError) return thrown;
  const isRetryable = thrown instanceof DriverError && thrown.retryable;
  const detail = thrown instanceof DriverError ? thrown.detail : {};
  return new AgentError({ ...explain(thrown, context), retryable: isRetryable, cause: thrown, detail });
}

/** A camera that is not usable now, as an error for whoever wanted to use it. */
export function notUsable(why: CameraReason | undefined): AgentError {
  const parts = why ?? reason('cameras.not_ready', 'Camera has not answered yet.', 'Try again in a few seconds.');
  return new AgentError({
    ...parts,
    retryable: ['cameras.not_ready', 'cameras.gone', 'cameras.slow', 'cameras.bad_answer'].includes(parts.code),
  });
}

/** An operation refused to a user whose login is otherwise accepted. */
export function notPermitted(user: string): AgentError {
  return new AgentError({
    code: 'cameras.not_permitted',
    say: `Camera does not allow this to its user ${user}.`,
    fix: "Give the user operator or administrator rights on the camera's own page, or enter another user.",
  });
}

/** The site file says that nothing is searched for. */
export const discoveryOff = (): AgentError =>
  new AgentError({
    code: 'cameras.discovery_off',
    say: 'The search for cameras is switched off on this recorder.',
    fix: 'Add cameras by their addresses, or take "discovery": false out of the site file and restart Sightline.',
  });

/** Asked for by a person. */
export const nobodyThere = (host: string): AgentError =>
  new AgentError({
    code: 'cameras.nobody_there',
    say: `No camera answers at ${host}.`,
    fix: "Check the address and the camera's power and network cable, and that ONVIF is switched on, on the camera's own page.",
    detail: { host },
  });

/** The driver refused to scan it; its message says why. */
export const badNetwork = (network: string, cause: DriverError): AgentError =>
  new AgentError({
    code: 'cameras.bad_network',
    say: `${network} cannot be looked through: ${cause.message}.`,
    fix: 'Name a network in which this recorder has an address, such as 192.0.2.0/24; one with more than 1024 addresses in parts.',
    cause,
  });

/** Another network is being scanned. */
export const searchRunning = (network: string): AgentError =>
  new AgentError({
    code: 'cameras.search_running',
    say: `${network} is being looked through; another network has to wait.`,
    fix: 'Try again in a minute.',
    retryable: true,
  });

/** At the known address answers a device with another serial number: its picture must not be shown as that of the camera before. */
export const anotherDevice = (host: string, serials: { readonly known: string; readonly seen: string }): AgentError =>
  new AgentError({
    code: 'cameras.another_device',
    say: `Another camera than before answers at ${host} (serial number ${serials.seen}, before ${serials.known}).`,
    fix: 'If the camera was replaced, add it again by this address: its channel and name stay. If addresses got mixed up, search for cameras.',
    detail: serials,
  });

/** No channel has this id. */
export const noSuchCamera = (id: string): AgentError =>
  new AgentError({
    code: 'cameras.no_such_camera',
    say: `There is no camera ${id}.`,
    fix: 'Choose one from the list of cameras.',
    detail: { id },
  });

/** The camera is usable, but has no stream of this kind. */
export const noSuchStream = (id: string, kind: string): AgentError =>
  new AgentError({
    code: 'cameras.no_such_stream',
    say: `Camera ${id} has no ${kind} stream.`,
    fix: 'Use its other stream.',
    detail: { id, kind },
  });

/** The site file says that this channel exists: it would be back with the next start. */
export const namedInSiteFile = (id: string): AgentError =>
  new AgentError({
    code: 'cameras.named_in_site_file',
    say: `Camera ${id} is connected by wire, and the site file names it.`,
    fix: 'Take it out of "cameras.analogue" in the site file and restart Sightline.',
    detail: { id },
  });

/** Neither the camera nor a serial bus moves this channel. */
export const noPtz = (id: string): AgentError =>
  new AgentError({ code: 'cameras.no_ptz', say: `Camera ${id} cannot be moved.`, fix: 'Choose a camera with PTZ.', detail: { id } });

/** A value outside the camera's offer; `detail.offers` has the whole offer. */
export function notOffered(
  refused: { readonly field: string; readonly value: string; readonly offers: string },
  offers: VideoEncoderOptions,
): AgentError {
  return new AgentError({
    code: 'cameras.not_offered',
    say: `Camera does not offer ${refused.field} ${refused.value}.`,
    fix: `It offers: ${refused.offers}.`,
    detail: { field: refused.field, value: refused.value, offers },
  });
}
