/** The PTZ service: one node, continuous, relative and absolute motion, presets, home, status, auxiliary commands. */
import { requireToken } from './device-service.js';
import { xsDuration } from './duration.js';
import { profileTokens } from './media-state.js';
import { type Operation, reads, type Service } from './operation.js';
import { MAX_PRESETS, type PtzPosition, type PtzState } from './ptz-state.js';
import { type PtzTours, tourOperations } from './ptz-tours.js';
import type { CameraQuirks } from './quirks.js';
import { serviceCapabilities } from './service-list.js';
import { invalidArgument, SoapFault } from './soap.js';
import { child, escapeXml, textAt, type XmlElement } from './xml.js';

const SPACE = 'http://www.onvif.org/ver10/tptz';
const PAN_TILT_VELOCITY = `${SPACE}/PanTiltSpaces/VelocityGenericSpace`;
const ZOOM_VELOCITY = `${SPACE}/ZoomSpaces/VelocityGenericSpace`;
const PAN_TILT_POSITION = `${SPACE}/PanTiltSpaces/PositionGenericSpace`;
const ZOOM_POSITION = `${SPACE}/ZoomSpaces/PositionGenericSpace`;
const PAN_TILT_STEP = `${SPACE}/PanTiltSpaces/TranslationGenericSpace`;
const ZOOM_STEP = `${SPACE}/ZoomSpaces/TranslationGenericSpace`;
const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 60_000;
/** Of a camera that minds a long Timeout. */
const SHORT_TIMEOUT_MS = 1000;
const AUXILIARY = ['tt:Wiper|On', 'tt:Wiper|Off', 'tt:IRLamp|On', 'tt:IRLamp|Off', 'tt:IRLamp|Auto'];

/** The camera as this service needs it. */
export interface PtzServiceState {
  readonly ptz: PtzState;
  readonly tours: PtzTours;
  readonly quirks: () => CameraQuirks;
  /** Hears of auxiliary commands. */
  onAuxiliary(command: string): void;
}

const respond = (name: string, inner = ''): string => `<tptz:${name}Response>${inner}</tptz:${name}Response>`;

/** The configuration both profiles carry, under the given tag. */
export function ptzConfiguration(tag: string): string {
  const spaces = [
    `<tt:DefaultAbsolutePantTiltPositionSpace>${PAN_TILT_POSITION}</tt:DefaultAbsolutePantTiltPositionSpace>`,
    `<tt:DefaultAbsoluteZoomPositionSpace>${ZOOM_POSITION}</tt:DefaultAbsoluteZoomPositionSpace>`,
    `<tt:DefaultContinuousPanTiltVelocitySpace>${PAN_TILT_VELOCITY}</tt:DefaultContinuousPanTiltVelocitySpace>`,
    `<tt:DefaultContinuousZoomVelocitySpace>${ZOOM_VELOCITY}</tt:DefaultContinuousZoomVelocitySpace>`,
  ].join('');
  const head = '<tt:Name>PTZ</tt:Name><tt:UseCount>2</tt:UseCount><tt:NodeToken>ptz_node_0</tt:NodeToken>';
  return `<${tag} token="ptz_config_0">${head}${spaces}<tt:DefaultPTZTimeout>PT10S</tt:DefaultPTZTimeout></${tag}>`;
}

const range = (name: string, min: number, max: number): string => `<tt:${name}><tt:Min>${min}</tt:Min><tt:Max>${max}</tt:Max></tt:${name}>`;
const space = (name: string, uri: string, ranges: string): string => `<tt:${name}><tt:URI>${uri}</tt:URI>${ranges}</tt:${name}>`;

/** What the node offers; one that only pans and tilts has no zoom in it. */
function spacesOffered(hasZoom: boolean): string {
  const square = range('XRange', -1, 1) + range('YRange', -1, 1);
  const zoom = (inner: string): string => (hasZoom ? inner : '');
  return [
    space('AbsolutePanTiltPositionSpace', PAN_TILT_POSITION, square),
    zoom(space('AbsoluteZoomPositionSpace', ZOOM_POSITION, range('XRange', 0, 1))),
    space('RelativePanTiltTranslationSpace', PAN_TILT_STEP, square),
    zoom(space('RelativeZoomTranslationSpace', ZOOM_STEP, range('XRange', -1, 1))),
    space('ContinuousPanTiltVelocitySpace', PAN_TILT_VELOCITY, square),
    zoom(space('ContinuousZoomVelocitySpace', ZOOM_VELOCITY, range('XRange', -1, 1))),
  ].join('');
}

const hasZoom = ({ ptz }: CameraQuirks): boolean => ptz !== 'pan-tilt-only';

function nodeXml(quirks: CameraQuirks): string {
  const presets = `<tt:MaximumNumberOfPresets>${MAX_PRESETS}</tt:MaximumNumberOfPresets><tt:HomeSupported>true</tt:HomeSupported>`;
  const auxiliary = AUXILIARY.map((one) => `<tt:AuxiliaryCommands>${one}</tt:AuxiliaryCommands>`).join('');
  const operations = ['Start', 'Stop', 'Pause'].map((one) => `<tt:PTZPresetTourOperation>${one}</tt:PTZPresetTourOperation>`).join('');
  const tours = `<tt:Extension><tt:SupportedPresetTour><tt:MaximumNumberOfPresetTours>4</tt:MaximumNumberOfPresetTours>${operations}</tt:SupportedPresetTour></tt:Extension>`;
  const spaces = `<tt:SupportedPTZSpaces>${spacesOffered(hasZoom(quirks))}</tt:SupportedPTZSpaces>`;
  return `<tptz:PTZNode token="ptz_node_0"><tt:Name>PTZ</tt:Name>${spaces}${presets}${auxiliary}${tours}</tptz:PTZNode>`;
}

function vector({ pan, tilt, zoom }: PtzPosition): string {
  const round = (value: number): string => value.toFixed(4);
  return `<tt:PanTilt x="${round(pan)}" y="${round(tilt)}" space="${PAN_TILT_POSITION}"/><tt:Zoom x="${round(zoom)}" space="${ZOOM_POSITION}"/>`;
}

/** One number of a vector; refused when it is none or out of range. */
function component(element: XmlElement, name: string, min: number, max: number): number {
  const text = element.attributes.get(name) ?? '';
  const value = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw invalidArgument('InvalidVelocity', `${name} must be ${min} to ${max}`);
  return value;
}

function checkSpace(element: XmlElement | undefined, allowed: string): void {
  const named = element?.attributes.get('space');
  if (named !== undefined && named !== allowed) throw invalidArgument('SpaceNotSupported', 'This space is not supported');
}

/** xs:duration in ms; a missing one is the default. */
function timeout(text: string | undefined, { ptz }: CameraQuirks): number {
  if (text === undefined) return ptz === 'short-timeout' ? SHORT_TIMEOUT_MS : DEFAULT_TIMEOUT_MS;
  const ms = xsDuration(text) ?? 0;
  const most = ptz === 'short-timeout' ? SHORT_TIMEOUT_MS : MAX_TIMEOUT_MS;
  if (ms <= 0 || ms > most) throw invalidArgument('TimeoutNotSupported', `Timeout must be more than 0 and at most ${most / 1000} s`);
  return ms;
}

/** The two vectors of a request; refused where an axis is named that this camera does not have. */
function axesOf(element: XmlElement | undefined, quirks: CameraQuirks, spaces: readonly [panTilt: string, zoom: string]) {
  const [panTilt, zoom] = [child(element, 'PanTilt'), child(element, 'Zoom')];
  if (panTilt === undefined && zoom === undefined) throw new SoapFault('Sender', ['ter:InvalidArgs'], 'No axis is named');
  if (zoom !== undefined && !hasZoom(quirks)) throw invalidArgument('SpaceNotSupported', 'This camera has no zoom');
  checkSpace(panTilt, spaces[0]);
  checkSpace(zoom, spaces[1]);
  return {
    panTilt: panTilt === undefined ? undefined : { x: component(panTilt, 'x', -1, 1), y: component(panTilt, 'y', -1, 1) },
    zoom,
  };
}

function continuousMove(body: XmlElement, { ptz, quirks }: PtzServiceState, now: number): string {
  const { panTilt, zoom } = axesOf(child(body, 'Velocity'), quirks(), [PAN_TILT_VELOCITY, ZOOM_VELOCITY]);
  if (quirks().ptz === 'both-axes-only' && panTilt !== undefined && (panTilt.x === 0) !== (panTilt.y === 0))
    throw invalidArgument('InvalidVelocity', 'Both axes must move');
  const timeoutMs = timeout(textAt(body, 'Timeout'), quirks());
  ptz.move(
    { ...(panTilt === undefined ? {} : { panTilt }), ...(zoom === undefined ? {} : { zoom: component(zoom, 'x', -1, 1) }) },
    timeoutMs,
    now,
  );
  return respond('ContinuousMove');
}

function relativeMove(body: XmlElement, { ptz, quirks }: PtzServiceState, now: number): string {
  const { panTilt, zoom } = axesOf(child(body, 'Translation'), quirks(), [PAN_TILT_STEP, ZOOM_STEP]);
  const at = ptz.position(now);
  const within = (value: number, min: number): number => Math.min(1, Math.max(min, value));
  ptz.goTo(
    {
      pan: within(at.pan + (panTilt?.x ?? 0), -1),
      tilt: within(at.tilt + (panTilt?.y ?? 0), -1),
      zoom: within(at.zoom + (zoom === undefined ? 0 : component(zoom, 'x', -1, 1)), 0),
    },
    now,
  );
  return respond('RelativeMove');
}

function absoluteMove(body: XmlElement, { ptz, quirks }: PtzServiceState, now: number): string {
  const { panTilt, zoom } = axesOf(child(body, 'Position'), quirks(), [PAN_TILT_POSITION, ZOOM_POSITION]);
  const at = ptz.position(now);
  ptz.goTo(
    { pan: panTilt?.x ?? at.pan, tilt: panTilt?.y ?? at.tilt, zoom: zoom === undefined ? at.zoom : component(zoom, 'x', 0, 1) },
    now,
  );
  return respond('AbsoluteMove');
}

function status(state: PtzState, now: number): string {
  const moving = state.isMoving(now);
  const word = (isMoving: boolean): string => (isMoving ? 'MOVING' : 'IDLE');
  const moves = `<tt:PanTilt>${word(moving.panTilt)}</tt:PanTilt><tt:Zoom>${word(moving.zoom)}</tt:Zoom>`;
  const utc = new Date(now).toISOString();
  const facts = `<tt:Position>${vector(state.position(now))}</tt:Position><tt:MoveStatus>${moves}</tt:MoveStatus><tt:UtcTime>${utc}</tt:UtcTime>`;
  return respond('GetStatus', `<tptz:PTZStatus>${facts}</tptz:PTZStatus>`);
}

function presetsOf(state: PtzState): string {
  const rows = state.presets.map(({ token, name, position }) => {
    const facts = `<tt:Name>${escapeXml(name)}</tt:Name><tt:PTZPosition>${vector(position)}</tt:PTZPosition>`;
    return `<tptz:Preset token="${escapeXml(token)}">${facts}</tptz:Preset>`;
  });
  return respond('GetPresets', rows.join(''));
}

function stop(body: XmlElement, { ptz, quirks }: PtzServiceState, now: number): string {
  const flag = (name: string): boolean => {
    const text = textAt(body, name) ?? 'true';
    if (!/^(true|false|1|0)$/.test(text)) throw new SoapFault('Sender', ['ter:InvalidArgs'], `${name} must be true or false`);
    return text === 'true' || text === '1';
  };
  const wanted = { panTilt: flag('PanTilt'), zoom: flag('Zoom') };
  const moving = ptz.isMoving(now);
  if (quirks().ptz === 'stop-moving-axis-only' && ((wanted.panTilt && !moving.panTilt) || (wanted.zoom && !moving.zoom)))
    throw invalidArgument('InvalidVelocity', 'This axis does not move');
  ptz.stop(wanted, now);
  return respond('Stop');
}

/** Operations on a profile: its token is checked first. */
function onProfile(
  quirks: () => CameraQuirks,
  access: Operation['access'],
  takes: readonly string[],
  answer: (body: XmlElement, now: number) => string,
): Operation {
  return {
    access,
    takes: ['ProfileToken', ...takes],
    answer: (body, { now }) => {
      requireToken(body, 'ProfileToken', profileTokens(quirks().sources), 'NoProfile');
      return answer(body, now);
    },
  };
}

type OnProfile = (access: Operation['access'], takes: readonly string[], answer: (body: XmlElement, now: number) => string) => Operation;

function presetOperations(state: PtzState, profiled: OnProfile): Service {
  const preset = (body: XmlElement): string =>
    requireToken(
      body,
      'PresetToken',
      state.presets.map((one) => one.token),
      'NoToken',
    );
  return {
    GetPresets: profiled('READ_MEDIA', [], () => presetsOf(state)),
    SetPreset: profiled('ACTUATE', ['PresetName', 'PresetToken'], (body, now) => {
      if (textAt(body, 'PresetToken') !== undefined) preset(body);
      const token = state.setPreset(textAt(body, 'PresetToken'), textAt(body, 'PresetName'), now);
      if (token === undefined) throw new SoapFault('Receiver', ['ter:Action', 'ter:TooManyPresets'], 'All presets are in use');
      return respond('SetPreset', `<tptz:PresetToken>${token}</tptz:PresetToken>`);
    }),
    RemovePreset: profiled('ACTUATE', ['PresetToken'], (body) => {
      state.removePreset(preset(body));
      return respond('RemovePreset');
    }),
    GotoPreset: profiled('ACTUATE', ['PresetToken', 'Speed'], (body, now) => {
      const token = preset(body);
      const target = state.presets.find((one) => one.token === token);
      if (target !== undefined) state.goTo(target.position, now);
      return respond('GotoPreset');
    }),
  };
}

function auxiliary(body: XmlElement, state: PtzServiceState): string {
  const command = textAt(body, 'AuxiliaryData') ?? '';
  if (!AUXILIARY.includes(command)) throw invalidArgument('AuxiliaryDataNotSupported', 'There is no such command');
  state.onAuxiliary(command);
  return respond('SendAuxiliaryCommand', `<tptz:AuxiliaryResponse>${command}</tptz:AuxiliaryResponse>`);
}

/** The service over one camera's state. */
export function ptzService(state: PtzServiceState): Service {
  const { ptz, tours, quirks } = state;
  const profiled: OnProfile = (access, takes, answer) => onProfile(quirks, access, takes, answer);
  const options = (): string => {
    const most = quirks().ptz === 'short-timeout' ? SHORT_TIMEOUT_MS : MAX_TIMEOUT_MS;
    const times = `<tt:PTZTimeout><tt:Min>PT0.1S</tt:Min><tt:Max>PT${most / 1000}S</tt:Max></tt:PTZTimeout>`;
    return `<tptz:PTZConfigurationOptions><tt:Spaces>${spacesOffered(hasZoom(quirks()))}</tt:Spaces>${times}</tptz:PTZConfigurationOptions>`;
  };
  return {
    GetServiceCapabilities: serviceCapabilities('tptz'),
    GetNodes: reads([], () => respond('GetNodes', nodeXml(quirks()))),
    GetNode: reads(['NodeToken'], (body) => {
      requireToken(body, 'NodeToken', ['ptz_node_0'], 'NoEntity');
      return respond('GetNode', nodeXml(quirks()));
    }),
    GetConfigurations: reads([], () => respond('GetConfigurations', ptzConfiguration('tptz:PTZConfiguration'))),
    GetConfiguration: reads(['PTZConfigurationToken'], (body) => {
      requireToken(body, 'PTZConfigurationToken', ['ptz_config_0'], 'NoConfig');
      return respond('GetConfiguration', ptzConfiguration('tptz:PTZConfiguration'));
    }),
    GetConfigurationOptions: reads(['ConfigurationToken'], (body) => {
      requireToken(body, 'ConfigurationToken', ['ptz_config_0'], 'NoConfig');
      return respond('GetConfigurationOptions', options());
    }),
    ContinuousMove: profiled('ACTUATE', ['Velocity', 'Timeout'], (body, now) => continuousMove(body, state, now)),
    RelativeMove: profiled('ACTUATE', ['Translation', 'Speed'], (body, now) => relativeMove(body, state, now)),
    AbsoluteMove: profiled('ACTUATE', ['Position', 'Speed'], (body, now) => absoluteMove(body, state, now)),
    Stop: profiled('ACTUATE', ['PanTilt', 'Zoom'], (body, now) => stop(body, state, now)),
    GetStatus: profiled('READ_MEDIA', [], (_body, now) => status(ptz, now)),
    GotoHomePosition: profiled('ACTUATE', ['Speed'], (_body, now) => {
      ptz.goTo(ptz.home, now);
      return respond('GotoHomePosition');
    }),
    SetHomePosition: profiled('ACTUATE', [], (_body, now) => {
      ptz.setHome(now);
      return respond('SetHomePosition');
    }),
    SendAuxiliaryCommand: profiled('ACTUATE', ['AuxiliaryData'], (body) => auxiliary(body, state)),
    ...presetOperations(ptz, profiled),
    ...tourOperations(tours, ptz, profiled),
  };
}
