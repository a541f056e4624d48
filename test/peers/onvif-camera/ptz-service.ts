/** The PTZ service: one node, continuous motion, presets, home, status. */
import { requireToken, serviceCapabilities } from './device-service.js';
import type { Operation, Service } from './operation.js';
import { MAX_PRESETS, type PtzPosition, type PtzState } from './ptz-state.js';
import { invalidArgument, SoapFault } from './soap.js';
import { PROFILE_TOKENS } from './tokens.js';
import { child, escapeXml, textAt, type XmlElement } from './xml.js';

const SPACE = 'http://www.onvif.org/ver10/tptz';
const PAN_TILT_VELOCITY = `${SPACE}/PanTiltSpaces/VelocityGenericSpace`;
const ZOOM_VELOCITY = `${SPACE}/ZoomSpaces/VelocityGenericSpace`;
const PAN_TILT_POSITION = `${SPACE}/PanTiltSpaces/PositionGenericSpace`;
const ZOOM_POSITION = `${SPACE}/ZoomSpaces/PositionGenericSpace`;
const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 60_000;

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

const SPACES_OFFERED = [
  space('AbsolutePanTiltPositionSpace', PAN_TILT_POSITION, range('XRange', -1, 1) + range('YRange', -1, 1)),
  space('AbsoluteZoomPositionSpace', ZOOM_POSITION, range('XRange', 0, 1)),
  space('ContinuousPanTiltVelocitySpace', PAN_TILT_VELOCITY, range('XRange', -1, 1) + range('YRange', -1, 1)),
  space('ContinuousZoomVelocitySpace', ZOOM_VELOCITY, range('XRange', -1, 1)),
].join('');

const NODE = `<tt:Name>PTZ</tt:Name><tt:SupportedPTZSpaces>${SPACES_OFFERED}</tt:SupportedPTZSpaces><tt:MaximumNumberOfPresets>${MAX_PRESETS}</tt:MaximumNumberOfPresets><tt:HomeSupported>true</tt:HomeSupported>`;

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

/** xs:duration without years and months, in ms; a missing one is the default. */
function duration(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TIMEOUT_MS;
  const match = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(text);
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = (match ?? []).slice(1).map((part) => Number(part ?? 0));
  const ms = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
  if (match === null || ms <= 0 || ms > MAX_TIMEOUT_MS)
    throw invalidArgument('TimeoutNotSupported', 'Timeout must be more than 0 and at most 60 s');
  return ms;
}

function continuousMove(body: XmlElement, state: PtzState, now: number): string {
  const velocity = child(body, 'Velocity');
  const [panTilt, zoom] = [child(velocity, 'PanTilt'), child(velocity, 'Zoom')];
  if (panTilt === undefined && zoom === undefined) throw new SoapFault('Sender', ['ter:InvalidArgs'], 'Velocity is missing');
  checkSpace(panTilt, PAN_TILT_VELOCITY);
  checkSpace(zoom, ZOOM_VELOCITY);
  const timeoutMs = duration(textAt(body, 'Timeout'));
  state.move(
    {
      ...(panTilt === undefined ? {} : { panTilt: { x: component(panTilt, 'x', -1, 1), y: component(panTilt, 'y', -1, 1) } }),
      ...(zoom === undefined ? {} : { zoom: component(zoom, 'x', -1, 1) }),
    },
    timeoutMs,
    now,
  );
  return respond('ContinuousMove');
}

function absoluteMove(body: XmlElement, state: PtzState, now: number): string {
  const target = child(body, 'Position');
  const [panTilt, zoom] = [child(target, 'PanTilt'), child(target, 'Zoom')];
  checkSpace(panTilt, PAN_TILT_POSITION);
  checkSpace(zoom, ZOOM_POSITION);
  const at = state.position(now);
  const pan = panTilt === undefined ? at.pan : component(panTilt, 'x', -1, 1);
  const tilt = panTilt === undefined ? at.tilt : component(panTilt, 'y', -1, 1);
  state.goTo({ pan, tilt, zoom: zoom === undefined ? at.zoom : component(zoom, 'x', 0, 1) }, now);
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

function stop(body: XmlElement, state: PtzState, now: number): string {
  const flag = (name: string): boolean => {
    const text = textAt(body, name) ?? 'true';
    if (!/^(true|false|1|0)$/.test(text)) throw new SoapFault('Sender', ['ter:InvalidArgs'], `${name} must be true or false`);
    return text === 'true' || text === '1';
  };
  state.stop({ panTilt: flag('PanTilt'), zoom: flag('Zoom') }, now);
  return respond('Stop');
}

/** Operations on a profile: its token is checked first. */
function onProfile(access: Operation['access'], takes: readonly string[], answer: (body: XmlElement, now: number) => string): Operation {
  return {
    access,
    takes: ['ProfileToken', ...takes],
    answer: (body, { now }) => {
      requireToken(body, 'ProfileToken', PROFILE_TOKENS, 'NoProfile');
      return answer(body, now);
    },
  };
}

function presetOperations(state: PtzState): Service {
  const preset = (body: XmlElement): string =>
    requireToken(
      body,
      'PresetToken',
      state.presets.map((one) => one.token),
      'NoToken',
    );
  return {
    GetPresets: onProfile('READ_MEDIA', [], () => presetsOf(state)),
    SetPreset: onProfile('ACTUATE', ['PresetName', 'PresetToken'], (body, now) => {
      if (textAt(body, 'PresetToken') !== undefined) preset(body);
      const token = state.setPreset(textAt(body, 'PresetToken'), textAt(body, 'PresetName'), now);
      if (token === undefined) throw new SoapFault('Receiver', ['ter:Action', 'ter:TooManyPresets'], 'All presets are in use');
      return respond('SetPreset', `<tptz:PresetToken>${token}</tptz:PresetToken>`);
    }),
    RemovePreset: onProfile('ACTUATE', ['PresetToken'], (body) => {
      state.removePreset(preset(body));
      return respond('RemovePreset');
    }),
    GotoPreset: onProfile('ACTUATE', ['PresetToken', 'Speed'], (body, now) => {
      const token = preset(body);
      const target = state.presets.find((one) => one.token === token);
      if (target !== undefined) state.goTo(target.position, now);
      return respond('GotoPreset');
    }),
  };
}

/** The service over one camera's state. */
export function ptzService(state: PtzState): Service {
  const reads = (takes: readonly string[], answer: Operation['answer']): Operation => ({ access: 'READ_MEDIA', takes, answer });
  const options = `<tt:Spaces>${SPACES_OFFERED}</tt:Spaces><tt:PTZTimeout><tt:Min>PT0.1S</tt:Min><tt:Max>PT60S</tt:Max></tt:PTZTimeout>`;
  return {
    GetServiceCapabilities: serviceCapabilities('tptz'),
    GetNodes: reads([], () => respond('GetNodes', `<tptz:PTZNode token="ptz_node_0">${NODE}</tptz:PTZNode>`)),
    GetNode: reads(['NodeToken'], (body) => {
      requireToken(body, 'NodeToken', ['ptz_node_0'], 'NoEntity');
      return respond('GetNode', `<tptz:PTZNode token="ptz_node_0">${NODE}</tptz:PTZNode>`);
    }),
    GetConfigurations: reads([], () => respond('GetConfigurations', ptzConfiguration('tptz:PTZConfiguration'))),
    GetConfiguration: reads(['PTZConfigurationToken'], (body) => {
      requireToken(body, 'PTZConfigurationToken', ['ptz_config_0'], 'NoConfig');
      return respond('GetConfiguration', ptzConfiguration('tptz:PTZConfiguration'));
    }),
    GetConfigurationOptions: reads(['ConfigurationToken'], (body) => {
      requireToken(body, 'ConfigurationToken', ['ptz_config_0'], 'NoConfig');
      return respond('GetConfigurationOptions', `<tptz:PTZConfigurationOptions>${options}</tptz:PTZConfigurationOptions>`);
    }),
    ContinuousMove: onProfile('ACTUATE', ['Velocity', 'Timeout'], (body, now) => continuousMove(body, state, now)),
    AbsoluteMove: onProfile('ACTUATE', ['Position', 'Speed'], (body, now) => absoluteMove(body, state, now)),
    Stop: onProfile('ACTUATE', ['PanTilt', 'Zoom'], (body, now) => stop(body, state, now)),
    GetStatus: onProfile('READ_MEDIA', [], (_body, now) => status(state, now)),
    GotoHomePosition: onProfile('ACTUATE', ['Speed'], (_body, now) => {
      state.goTo(state.home, now);
      return respond('GotoHomePosition');
    }),
    SetHomePosition: onProfile('ACTUATE', [], (_body, now) => {
      state.setHome(now);
      return respond('SetHomePosition');
    }),
    ...presetOperations(state),
  };
}
