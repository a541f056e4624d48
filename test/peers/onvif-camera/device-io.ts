/** Relays and digital inputs: their state, the DeviceIO service, and the same operations in the device service. */
import { SPEAKER } from './audio-operations.js';
import { requireToken } from './device-service.js';
import { xsDuration } from './duration.js';
import { acts, type Operation, reads, type Service } from './operation.js';
import { serviceCapabilities } from './service-list.js';
import { invalidArgument, SoapFault } from './soap.js';
import { child, textAt, type XmlElement } from './xml.js';

/** One relay output; a monostable one falls back after `delayMs`. */
interface Relay {
  readonly token: string;
  mode: 'Bistable' | 'Monostable';
  delayMs: number;
  idle: 'closed' | 'open';
  isOn: boolean;
  fallsBack: NodeJS.Timeout | undefined;
}

/** Relays and inputs; `tell` hears of each change. */
export class InOut {
  readonly relays: readonly Relay[];
  readonly inputs: { readonly token: string; idle: 'closed' | 'open'; isOn: boolean }[];
  readonly #tell: (kind: 'relay' | 'digital-input', token: string, isOn: boolean) => void;

  constructor(tell: (kind: 'relay' | 'digital-input', token: string, isOn: boolean) => void) {
    this.#tell = tell;
    const relay = (token: string, mode: Relay['mode'], delayMs: number): Relay => ({
      token,
      mode,
      delayMs,
      idle: 'open',
      isOn: false,
      fallsBack: undefined,
    });
    this.relays = [relay('relay_0', 'Bistable', 0), relay('relay_1', 'Monostable', 500)];
    this.inputs = ['input_0', 'input_1'].map((token) => ({ token, idle: 'open', isOn: false }));
  }

  setRelay(token: string, isOn: boolean): void {
    const relay = this.relays.find((one) => one.token === token);
    if (relay === undefined) return;
    clearTimeout(relay.fallsBack);
    if (relay.isOn !== isOn) {
      relay.isOn = isOn;
      this.#tell('relay', token, isOn);
    }
    if (isOn && relay.mode === 'Monostable') {
      relay.fallsBack = setTimeout(() => this.setRelay(token, false), relay.delayMs);
      relay.fallsBack.unref();
    }
  }

  setInput(token: string, isOn: boolean): void {
    const input = this.inputs.find((one) => one.token === token);
    if (input === undefined || input.isOn === isOn) return;
    input.isOn = isOn;
    this.#tell('digital-input', token, isOn);
  }

  stop(): void {
    for (const relay of this.relays) clearTimeout(relay.fallsBack);
  }
}

const IDLE = ['closed', 'open'] as const;

function relayProperties(element: XmlElement | undefined): { mode: Relay['mode']; delayMs: number; idle: Relay['idle'] } {
  const [mode, idle] = [textAt(element, 'Mode'), IDLE.find((one) => one === textAt(element, 'IdleState'))];
  const delayMs = xsDuration(textAt(element, 'DelayTime'));
  if ((mode !== 'Bistable' && mode !== 'Monostable') || idle === undefined || delayMs === undefined)
    throw invalidArgument('ModeError', 'Mode, DelayTime and IdleState are needed');
  return { mode, delayMs, idle };
}

function relayRows(state: InOut): string {
  return state.relays
    .map(({ token, mode, delayMs, idle }) => {
      const facts = `<tt:Mode>${mode}</tt:Mode><tt:DelayTime>PT${delayMs / 1000}S</tt:DelayTime><tt:IdleState>${idle}</tt:IdleState>`;
      return `<tds:RelayOutputs token="${token}"><tt:Properties>${facts}</tt:Properties></tds:RelayOutputs>`;
    })
    .join('');
}

/** The relay operations, which both services share, in the device service's namespace. */
export function relayOperations(state: InOut): Service {
  const tokens = state.relays.map((one) => one.token);
  return {
    GetRelayOutputs: reads([], () => `<tds:GetRelayOutputsResponse>${relayRows(state)}</tds:GetRelayOutputsResponse>`),
    SetRelayOutputState: acts(['RelayOutputToken', 'LogicalState'], (body) => {
      const token = requireToken(body, 'RelayOutputToken', tokens, 'RelayToken');
      const wanted = textAt(body, 'LogicalState');
      if (wanted !== 'active' && wanted !== 'inactive')
        throw new SoapFault('Sender', ['ter:InvalidArgs'], 'LogicalState is missing or wrong');
      state.setRelay(token, wanted === 'active');
      return '<tds:SetRelayOutputStateResponse/>';
    }),
    SetRelayOutputSettings: acts(['RelayOutputToken', 'Properties'], (body) => {
      const token = requireToken(body, 'RelayOutputToken', tokens, 'RelayToken');
      Object.assign(state.relays.find((one) => one.token === token) ?? {}, relayProperties(child(body, 'Properties')));
      return '<tds:SetRelayOutputSettingsResponse/>';
    }),
  };
}

function changeInputs(body: XmlElement, state: InOut): void {
  for (const wanted of body.children) {
    const input = state.inputs.find((one) => one.token === wanted.attributes.get('token'));
    const idle = IDLE.find((one) => one === wanted.attributes.get('IdleState'));
    if (input === undefined || idle === undefined) throw invalidArgument('InvalidDigitalInput', 'No such input or state');
    input.idle = idle;
  }
}

/** The DeviceIO service without the shared relay operations. */
export function deviceIoService(state: InOut, hasSpeaker: boolean): Service {
  const list = (name: string, row: string): Operation => reads([], () => `<tmd:${name}Response>${row}</tmd:${name}Response>`);
  const idle = IDLE.map((one) => `<tmd:IdleState>${one}</tmd:IdleState>`).join('');
  return {
    GetServiceCapabilities: serviceCapabilities('tmd', hasSpeaker),
    GetVideoSources: list('GetVideoSources', '<tmd:Token>source_0</tmd:Token>'),
    GetVideoOutputs: list('GetVideoOutputs', ''),
    GetAudioSources: list('GetAudioSources', ''),
    GetAudioOutputs: list('GetAudioOutputs', hasSpeaker ? `<tmd:Token>${SPEAKER}</tmd:Token>` : ''),
    GetDigitalInputs: reads([], () => {
      const rows = state.inputs.map(({ token, idle: at }) => `<tmd:DigitalInputs token="${token}" IdleState="${at}"/>`);
      return `<tmd:GetDigitalInputsResponse>${rows.join('')}</tmd:GetDigitalInputsResponse>`;
    }),
    GetDigitalInputConfigurationOptions: reads(['Token'], () => {
      return `<tmd:GetDigitalInputConfigurationOptionsResponse><tmd:DigitalInputOptions>${idle}</tmd:DigitalInputOptions></tmd:GetDigitalInputConfigurationOptionsResponse>`;
    }),
    SetDigitalInputConfigurations: {
      ...acts(['DigitalInputs'], (body) => {
        changeInputs(body, state);
        return '<tmd:SetDigitalInputConfigurationsResponse/>';
      }),
      repeats: ['DigitalInputs'],
    },
    GetRelayOutputOptions: reads(['RelayOutputToken'], () => {
      const rows = state.relays.map(({ token }) => {
        return `<tmd:RelayOutputOptions token="${token}"><tmd:Mode>Bistable</tmd:Mode><tmd:Mode>Monostable</tmd:Mode><tmd:DelayTimes>0.1 60</tmd:DelayTimes></tmd:RelayOutputOptions>`;
      });
      return `<tmd:GetRelayOutputOptionsResponse>${rows.join('')}</tmd:GetRelayOutputOptionsResponse>`;
    }),
    SetRelayOutputSettings: acts(['RelayOutput'], (body) => {
      const wanted = child(body, 'RelayOutput');
      const relay = state.relays.find((one) => one.token === wanted?.attributes.get('token'));
      if (relay === undefined) throw invalidArgument('RelayToken', 'No such relay');
      Object.assign(relay, relayProperties(child(wanted, 'Properties')));
      return '<tmd:SetRelayOutputSettingsResponse/>';
    }),
  };
}
