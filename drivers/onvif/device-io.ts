import * as z from 'zod/mini';
import type { CameraInput, CameraRelay, DeviceIoDriver } from '../port.js';
import type { LinkCall, OnvifLink } from './link.js';
import { isLacking, whereLacking } from './patience.js';
import { attributes, first, many, read, text } from './shapes.js';
import { escapeXml } from './xml.js';

const Relay = z.object({ $: attributes('token'), Properties: first(z.object({ Mode: text })) });
const Relays = z.object({ RelayOutputs: many(Relay) });
const Inputs = z.object({ DigitalInputs: many(z.object({ $: attributes('token') })) });

/** The device service had the relays before there was DeviceIO, with the very same messages: it is asked where the other has none. */
async function askEither(call: LinkCall, link: OnvifLink, name: string, body: string): Promise<unknown> {
  if (!link.has('deviceIo')) return call.ask('device', name, body);
  try {
    return await call.ask('deviceIo', name, body);
  } catch (error) {
    if (!isLacking(error)) throw error;
    // When neither takes it, what the newer service said is worth more.
    return call.ask('device', name, body).catch(() => Promise.reject(error));
  }
}

async function askRelays(call: LinkCall, link: OnvifLink): Promise<readonly CameraRelay[]> {
  const said = read(Relays, await askEither(call, link, 'GetRelayOutputs', '<tds:GetRelayOutputs/>'), 'relays');
  return said.RelayOutputs.filter((relay) => relay.$.token !== '').map((relay) => ({
    token: relay.$.token,
    // ONVIF tells the state of a relay in events only.
    isOn: undefined,
    isMomentary: relay.Properties?.Mode.toLowerCase() === 'monostable',
  }));
}

async function askInputs(call: LinkCall): Promise<readonly CameraInput[]> {
  const said = read(Inputs, await call.ask('deviceIo', 'GetDigitalInputs', '<tmd:GetDigitalInputs/>'), 'inputs');
  return said.DigitalInputs.filter((input) => input.$.token !== '').map((input) => ({ token: input.$.token, isOn: undefined }));
}

/** Relays and inputs; the lists of a camera that has none are empty. Sends nothing yet. */
export function openDeviceIo(link: OnvifLink): DeviceIoDriver {
  return {
    relays: (options) => link.run(options, (call) => whereLacking([], () => askRelays(call, link))),
    setRelay: (token, isOn, options) =>
      link.run(options, async (call) => {
        const state = isOn ? 'active' : 'inactive';
        const body =
          `<tds:SetRelayOutputState><tds:RelayOutputToken>${escapeXml(token)}</tds:RelayOutputToken>` +
          `<tds:LogicalState>${state}</tds:LogicalState></tds:SetRelayOutputState>`;
        await askEither(call, link, 'SetRelayOutputState', body);
      }),
    inputs: (options) =>
      link.run(options, (call) => (link.has('deviceIo') ? whereLacking([], () => askInputs(call)) : Promise.resolve([]))),
  };
}
