import * as z from 'zod/mini';
import type { AudioBackchannel, BackchannelDriver } from '../port.js';
import type { LinkCall, OnvifLink } from './link.js';
import { whereLacking } from './patience.js';
import { attributes, first, many, read } from './shapes.js';
import { escapeXml } from './xml.js';

const Outputs = z.object({ AudioOutputs: many(z.object({ $: attributes('token') })) });
const Present = z.optional(z.unknown());
const Decoders = z.object({ Options: first(z.object({ AACDecOptions: Present, G711DecOptions: Present, G726DecOptions: Present })) });
const CODECS = ['AAC', 'G711', 'G726'] as const;

async function askBackchannel({ ask }: LinkCall, profileToken: string): Promise<AudioBackchannel | undefined> {
  const said = read(Outputs, await ask('media', 'GetAudioOutputs', '<trt:GetAudioOutputs/>'), 'audio outputs');
  const outputs = said.AudioOutputs.map(({ $ }) => $.token).filter((token) => token !== '');
  if (outputs.length === 0) return undefined;
  const profile = profileToken === '' ? '' : `<trt:ProfileToken>${escapeXml(profileToken)}</trt:ProfileToken>`;
  const body = `<trt:GetAudioDecoderConfigurationOptions>${profile}</trt:GetAudioDecoderConfigurationOptions>`;
  const decoders = await whereLacking(undefined, async () =>
    read(Decoders, await ask('media', 'GetAudioDecoderConfigurationOptions', body), 'audio decoders'),
  );
  return { outputs, codecs: CODECS.filter((codec) => decoders?.Options?.[`${codec}DecOptions`] !== undefined) };
}

/** Whether and how the camera takes sound; undefined without media service. Sends nothing yet. */
export function openBackchannel(link: OnvifLink): BackchannelDriver | undefined {
  if (!link.has('media')) return undefined;
  return { describe: (options) => link.run(options, (call) => whereLacking(undefined, () => askBackchannel(call, link.profileToken))) };
}
