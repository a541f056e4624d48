/** Recordings for tests: the test camera's clip put into files as recorders do, and folders full of them. Nothing is encoded for the clip. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { link, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../scripts/root.js';
import { CLIP_FOLDER } from '../peers/onvif-camera/clip-folder.js';

const run = promisify(execFile);

/** How a recorder puts its pictures into a file. */
export type ClipKind = 'plain' | 'fragmented' | 'ts' | 'tiny' | 'tiny-fragmented' | 'tiny-ts' | 'h265';

/** Length of the clip kinds `plain`, `fragmented` and `ts`; an intra picture every 4 s. */
export const CLIP_MS = 20_000;

const CLIP = join(CLIP_FOLDER, '320x180-25.h264');
const FRAGMENTS = ['-movflags', '+frag_keyframe+empty_moov+default_base_moof'];
const TINY = ['-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=5:duration=2', '-pix_fmt', 'yuv420p', '-bf', '0', '-g', '5'];
const COPIED = ['-f', 'h264', '-r', '25', '-i', CLIP, '-c', 'copy'];

const WORDS: Readonly<Record<ClipKind, { readonly end: string; readonly words: readonly string[] }>> = {
  plain: { end: 'mp4', words: COPIED },
  fragmented: { end: 'mp4', words: [...COPIED, ...FRAGMENTS] },
  ts: { end: 'ts', words: COPIED },
  tiny: { end: 'mp4', words: [...TINY, '-c:v', 'libx264', '-preset', 'ultrafast'] },
  'tiny-fragmented': { end: 'mp4', words: [...TINY, '-c:v', 'libx264', '-preset', 'ultrafast', ...FRAGMENTS] },
  'tiny-ts': { end: 'ts', words: [...TINY, '-c:v', 'libx264', '-preset', 'ultrafast'] },
  h265: { end: 'mp4', words: [...TINY, '-c:v', 'libx265', '-x265-params', 'log-level=none', '-tag:v', 'hvc1'] },
};

/** Path of a clip; made once by ffmpeg and kept beside the other built things. */
export async function clipFile(kind: ClipKind): Promise<string> {
  const { end, words } = WORDS[kind];
  const path = join(ROOT, '.build', 'clips', `footage-${kind}.${end}`);
  if (existsSync(path)) return path;
  mkdirSync(dirname(path), { recursive: true });
  const made = `${path}.${process.pid}.${end}`;
  await run('ffmpeg', ['-y', '-v', 'error', ...words, made]);
  renameSync(made, path);
  return path;
}

/** Puts one clip into `folder` under each of these names, as links: a month of files takes no room. */
export async function fillFolder(folder: string, names: readonly string[], clip: string): Promise<void> {
  for (const name of names) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await link(clip, path);
  }
}

/** `%Y-%m-%d/%H/%M.%S` of an instant, UTC. */
export function pathOf(atMs: number): string {
  const [day = '', time = ''] = new Date(atMs).toISOString().split('T');
  return `${day}/${time.slice(0, 2)}/${time.slice(3, 5)}.${time.slice(6, 8)}`;
}
