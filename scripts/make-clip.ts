/**
 * Makes the test camera's clips: draws 20 s of a street scene (25 fps, the end joins the start), lets ffmpeg write the text and encode
 * H.264 without B frames, GOP 4 s, one file for each resolution and frame rate that the camera offers. Needs ffmpeg with libx264 and the
 * DejaVu fonts (Debian: ffmpeg, fonts-dejavu-core). One thread each, so that the same ffmpeg makes the same bytes.
 *
 *   node scripts/run.mjs scripts/make-clip.ts            all clips and the snapshot, about a minute
 *   node scripts/run.mjs scripts/make-clip.ts --still S  only one picture, S seconds from the start, to still.png
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { CLIP_FOLDER } from '../test/peers/onvif-camera/clip-folder.js';
import { BLOCK_OF_WIDTH, encodeFrameNumber } from '../test/peers/onvif-camera/frame-code.js';
import { paintActors } from './clip/actors.js';
import { box, Canvas } from './clip/canvas.js';
import { HEIGHT, paintScene, WIDTH } from './clip/scene.js';

const FRAME_RATE = 25;
const SECONDS = 20;
const GOP_SECONDS = 4;
const FONT = '/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf';
const MONO = '/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf';

/** What the camera offers; crf is x264's constant quality, chosen so that all files together stay under 2 MB. */
const CLIPS = [
  { width: 1280, height: 720, rate: 25, crf: 22 },
  ...[25, 15, 10, 5].map((rate) => ({ width: 640, height: 360, rate, crf: 29 })),
  ...[25, 15, 10, 5].map((rate) => ({ width: 320, height: 180, rate, crf: 31 })),
] as const;

const label = (text: string, x: string, y: string, size: number, font = FONT): string =>
  `drawtext=fontfile=${font}:text='${text}':x=${x}:y=${y}:fontsize=${size}:fontcolor=white:borderw=2:bordercolor=black@0.6`;

const TEXT = [
  `drawtext=fontfile=${FONT}:text='CORNER BAKERY':x=712-tw/2:y=211:fontsize=30:fontcolor=0xf2d9a0`,
  `drawtext=fontfile=${FONT}:text='12':x=889:y=326:fontsize=15:fontcolor=0x3a2a1c`,
  label('FRONT DOOR', '20', 'h-48', 30),
  label('%{pts\\:hms}', 'w-tw-20', 'h-46', 28, MONO),
  label('%{n}', 'w-tw-20', '14', 24, MONO),
].join(',');

function paintCode(canvas: Canvas, frame: number): void {
  const size = WIDTH * BLOCK_OF_WIDTH;
  encodeFrameNumber(frame).forEach((isWhite, index) => {
    const area = [index * size, 0, (index + 1) * size, size] as const;
    canvas.paint(area, box(...area), isWhite ? [235, 235, 235] : [16, 16, 16]);
  });
}

function encoderArguments(): readonly string[] {
  const splits = CLIPS.map((_, index) => `[s${index}]`).join('');
  const branches = CLIPS.map(({ width, height, rate }, index) => {
    // Picks frame floor(k * 25 / rate), so that every file is the same scene at the same times.
    const pick =
      rate === FRAME_RATE ? '' : `select='gt(floor((n+1)*${rate}/${FRAME_RATE}-0.0001)\\,floor(n*${rate}/${FRAME_RATE}-0.0001))',`;
    return `[s${index}]${pick}scale=${width}:${height}:flags=lanczos,format=yuv420p[o${index}]`;
  });
  const outputs = CLIPS.flatMap(({ width, height, rate, crf }, index) => {
    const gop = String(rate * GOP_SECONDS);
    const x264 = 'threads=1:lookahead-threads=1:scenecut=0:open-gop=0:ref=2:aq-mode=1';
    const codec = [
      '-c:v',
      'libx264',
      '-preset',
      'veryslow',
      '-profile:v',
      'high',
      '-crf',
      String(crf),
      '-bf',
      '0',
      '-g',
      gop,
      '-keyint_min',
      gop,
    ];
    // SEI would carry the encoder's whole option string in front of each clip.
    const shape = ['-x264-params', x264, '-bsf:v', 'filter_units=remove_types=6', '-vsync', 'passthrough', '-an', '-f', 'h264'];
    return ['-map', `[o${index}]`, ...codec, ...shape, join(CLIP_FOLDER, `${width}x${height}-${rate}.h264`)];
  });
  const input = [
    '-y',
    '-v',
    'error',
    '-f',
    'rawvideo',
    '-pix_fmt',
    'rgb24',
    '-s',
    `${WIDTH}x${HEIGHT}`,
    '-r',
    String(FRAME_RATE),
    '-i',
    '-',
  ];
  return [...input, '-filter_complex', `[0:v]${TEXT},split=${CLIPS.length}${splits};${branches.join(';')}`, ...outputs];
}

const STILL = [
  '-y',
  '-v',
  'error',
  '-f',
  'rawvideo',
  '-pix_fmt',
  'rgb24',
  '-s',
  `${WIDTH}x${HEIGHT}`,
  '-i',
  '-',
  '-vf',
  TEXT,
  '-frames:v',
  '1',
];

/** Runs ffmpeg on the given frames (RGB, 25 fps); rejects nothing: a failure is written and becomes the exit code. */
async function encode(argv: readonly string[], frames: readonly number[]): Promise<void> {
  const child = spawn('ffmpeg', argv, { stdio: ['pipe', 'inherit', 'inherit'] });
  const ended = once(child, 'exit');
  const background = paintScene();
  const canvas = new Canvas(WIDTH, HEIGHT);
  for (const frame of frames) {
    canvas.data.set(background.data);
    paintActors(canvas, frame / FRAME_RATE);
    paintCode(canvas, frame);
    if (!child.stdin.write(canvas.toRgb24())) await Promise.race([once(child.stdin, 'drain'), ended]);
    if (child.exitCode !== null) break;
  }
  child.stdin.end();
  const [code] = await ended;
  if (code !== 0) process.exitCode = 1;
}

const still = process.argv.indexOf('--still');
if (still > 0) {
  await encode([...STILL, 'still.png'], [Math.round(Number(process.argv[still + 1] ?? '0') * FRAME_RATE)]);
} else {
  await encode(
    encoderArguments(),
    Array.from({ length: FRAME_RATE * SECONDS }, (_, index) => index),
  );
  await encode(
    [...STILL.slice(0, -4), '-vf', `${TEXT},scale=640:360`, '-frames:v', '1', '-q:v', '6', join(CLIP_FOLDER, 'snapshot.jpg')],
    [300],
  );
}
