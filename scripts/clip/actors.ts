/** What moves in the test clip: a car that passes and someone who walks by. Neither is there at the loop's ends. */
import { box, type Canvas, type Colour, disc, limb, polygon } from './canvas.js';
import { KERB_Y, PAVEMENT_Y, WIDTH } from './scene.js';

const clamp = (value: number): number => Math.min(1, Math.max(0, value));

function drawWalker(canvas: Canvas, x: number, phase: number): void {
  const feet = PAVEMENT_Y + 44;
  const bob = 1.6 * Math.abs(Math.sin(phase));
  const hip = feet - 62 - bob;
  const shoulder = hip - 52;
  const swing = 17 * Math.sin(phase);
  const coat: Colour = [46, 52, 74];
  const dark: Colour = [22, 22, 30];
  const area = [x - 46, shoulder - 44, x + 46, feet + 8] as const;
  canvas.paint(
    [x - 60, feet - 8, x + 60, feet + 12],
    (px, py) => (Math.hypot((px - x) / 40, (py - feet - 1) / 5) - 1) * 8,
    [20, 20, 26],
    0.5,
    10,
  );
  for (const side of [-1, 1] as const) {
    const foot = x + side * swing;
    const knee = x + side * swing * 0.42 - 5;
    const lift = Math.max(0, side * Math.cos(phase)) * 7;
    canvas.paint(area, limb(x, hip, knee, hip + 31, 7), dark);
    canvas.paint(area, limb(knee, hip + 31, foot + 2, feet - 4 - lift, 5.5), dark);
    canvas.paint(area, limb(foot + 2, feet - 3 - lift, foot - 8, feet - 2 - lift, 4), [14, 14, 18]);
  }
  canvas.paint(area, limb(x + 2, shoulder + 10, x + 4 + swing * 0.9, hip - 4, 5.5), [36, 42, 62]);
  canvas.paint(area, box(x - 14, shoulder, x + 13, hip + 16, 9), coat);
  canvas.paint(area, limb(x, shoulder + 10, x - 2 - swing * 0.9, hip - 4, 5.5), [58, 64, 88]);
  canvas.paint(area, limb(x - 2, shoulder - 2, x + 6, shoulder + 6, 6), [164, 62, 54]);
  canvas.paint(area, disc(x - 1, shoulder - 15, 11), [196, 148, 118]);
  canvas.paint(area, polygon([x - 13, shoulder - 17, x - 9, shoulder - 29, x + 8, shoulder - 29, x + 12, shoulder - 15]), [34, 30, 38]);
}

function drawCar(canvas: Canvas, x: number): void {
  const road = KERB_Y + 66;
  const area = [x - 190, road - 130, x + 200, road + 26] as const;
  const body: Colour = [60, 84, 116];
  canvas.lit(x + 420, road - 70, 300, 110, [255, 240, 210], 0.7);
  canvas.glow(x + 320, road + 4, 190, 22, [255, 236, 196], 0.5);
  canvas.glow(x - 210, road + 6, 90, 16, [255, 60, 40], 0.4);
  canvas.paint(area, (px, py) => (Math.hypot((px - x) / 172, (py - road - 6) / 12) - 1) * 12, [12, 12, 16], 0.75, 8);
  canvas.paint(area, polygon([x - 108, road - 64, x - 74, road - 106, x + 46, road - 106, x + 98, road - 64]), [42, 58, 84]);
  canvas.paint(area, polygon([x - 92, road - 64, x - 66, road - 99, x - 16, road - 99, x - 16, road - 64]), [96, 112, 136]);
  canvas.paint(area, polygon([x - 6, road - 64, x - 6, road - 99, x + 41, road - 99, x + 82, road - 64]), [112, 128, 150]);
  canvas.paint(area, box(x - 160, road - 68, x + 164, road - 14, 16), body);
  canvas.paint(area, box(x - 156, road - 66, x + 158, road - 58, 4), [112, 136, 166], 0.7, 4);
  canvas.paint(area, box(x - 154, road - 24, x + 158, road - 14, 4), [34, 44, 62]);
  canvas.paint(area, box(x - 14, road - 62, x - 12, road - 22), [40, 58, 82]);
  canvas.paint(area, limb(x - 44, road - 50, x - 28, road - 50, 2), [30, 42, 60]);
  for (const wheel of [x - 96, x + 102]) {
    canvas.paint(area, disc(wheel, road - 14, 27), [18, 18, 22]);
    canvas.paint(area, disc(wheel, road - 14, 14), [126, 130, 138]);
    canvas.paint(area, disc(wheel, road - 14, 6), [60, 62, 70]);
  }
  canvas.paint(area, box(x + 148, road - 56, x + 164, road - 42, 5), [255, 248, 224]);
  canvas.paint(area, box(x - 160, road - 58, x - 150, road - 40, 3), [236, 48, 36]);
  canvas.glow(x + 160, road - 49, 44, 28, [255, 244, 210], 0.8);
  canvas.glow(x - 158, road - 49, 26, 18, [255, 60, 44], 0.6);
}

/** Adds what is there `seconds` after the loop's start (0..20). */
export function paintActors(canvas: Canvas, seconds: number): void {
  const walking = (seconds - 6) / 12.5;
  if (walking > 0 && walking < 1) drawWalker(canvas, WIDTH + 50 - walking * (WIDTH + 100), seconds * 5.4);
  const driving = (seconds - 0.8) / 5.4;
  if (driving > 0 && driving < 1) drawCar(canvas, -560 + clamp(driving) * (WIDTH + 820));
}
