import { readdirSync } from 'node:fs';
import { type Encoder, encoderTrialArguments } from './command.js';
import { type FfmpegParts, runFfmpeg } from './runner.js';

const TRIAL_MS = 5_000;
const TRIAL_BYTES = 262_144;
/** Two grey pictures of 320x240, 4:2:0. */
const TRIAL_PICTURES = Buffer.alloc(2 * 320 * 240 * 1.5, 0x80);

/** Hardware by what it shows in /dev, the likelier to be good first: Rockchip, Intel and AMD, and what V4L2 offers (Raspberry Pi and many more). */
const HARDWARE: readonly { readonly name: Encoder['name']; readonly device: RegExp }[] = [
  { name: 'h264_rkmpp', device: /^mpp_service$/ },
  { name: 'h264_vaapi', device: /^renderD1\d\d$/ },
  { name: 'h264_v4l2m2m', device: /^video\d{1,2}$/ },
];
const SOFTWARE: Encoder = { name: 'libx264', device: undefined };

/** Names in a device folder; empty where there is none. */
export type ListDevices = (folder: '/dev' | '/dev/dri') => readonly string[];

const listDevices: ListDevices = (folder) => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

/**
 * The encoder of this machine: hardware where there is a device for it and a trial shows that it works, else the processor. A machine
 * without such a device starts nothing for this. Never rejects.
 */
export async function findEncoder(parts: FfmpegParts, list: ListDevices = listDevices): Promise<Encoder> {
  for (const { name, device } of HARDWARE) {
    const folder = name === 'h264_vaapi' ? '/dev/dri' : '/dev';
    const found = [...list(folder)].sort().find((entry) => device.test(entry));
    if (found === undefined) continue;
    const encoder: Encoder = { name, device: `${folder}/${found}` };
    if (await isWorking(parts, encoder)) {
      parts.log.info('pictures are converted by hardware', { encoder: name });
      return encoder;
    }
  }
  return SOFTWARE;
}

async function isWorking(parts: FfmpegParts, encoder: Encoder): Promise<boolean> {
  const run = { input: TRIAL_PICTURES, deadlineMs: TRIAL_MS, maxOutputBytes: TRIAL_BYTES, signal: new AbortController().signal };
  try {
    const made = await runFfmpeg(parts, { argv: await encoderTrialArguments(encoder), ...run });
    return made.length > 0;
  } catch {
    return false;
  }
}
