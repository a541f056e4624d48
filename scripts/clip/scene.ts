/** The still part of the test clip: a corner shop at dusk, seen from across the street, 1280x720. */
import { box, Canvas, type Colour, disc, grain, limb, polygon } from './canvas.js';

/** The picture's width in pixels. */
export const WIDTH = 1280;
/** And its height. */
export const HEIGHT = 720;
/** Where the wall ends and the pavement begins. */
export const PAVEMENT_Y = 508;
/** Where the pavement ends and the road begins. */
export const KERB_Y = 588;

const WARM: Colour = [255, 186, 104];

const mix = (a: Colour, b: Colour, t: number): Colour => [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
const scale = (a: Colour, by: number): Colour => [a[0] * by, a[1] * by, a[2] * by];

function paintSky(canvas: Canvas): void {
  canvas.shade([0, 0, WIDTH, PAVEMENT_Y], (x, y) => {
    const t = y / 430;
    const base = t < 0.55 ? mix([24, 34, 66], [74, 74, 118], t / 0.55) : mix([74, 74, 118], [226, 140, 92], Math.min(1, (t - 0.55) / 0.45));
    const cloud = Math.sin(x / 190 + y / 31) * Math.sin(x / 83 - y / 17 + 1.3) * Math.sin(y / 23 + x / 400);
    return scale(base, 1 + Math.max(0, cloud) * 0.22 * t);
  });
}

function paintFarHouses(canvas: Canvas): void {
  const roofs = [
    [0, 330, 96],
    [86, 296, 92],
    [168, 344, 120],
  ] as const;
  for (const [left, top, width] of roofs) {
    canvas.paint([left, top - 50, left + width, PAVEMENT_Y], box(left, top, left + width, PAVEMENT_Y + 20), [38, 36, 54]);
    const peak = polygon([left - 6, top + 1, left + width / 2, top - 38, left + width + 6, top + 1]);
    canvas.paint([left - 8, top - 44, left + width + 8, top + 2], peak, [31, 29, 44]);
    for (let i = 0; i < 9; i += 1) {
      const [wx, wy] = [left + 14 + (i % 3) * 26, top + 22 + Math.floor(i / 3) * 42];
      const isLit = grain(left + i, i, 5) > 0.55;
      canvas.paint([wx, wy, wx + 14, wy + 20], box(wx, wy, wx + 13, wy + 19), isLit ? [232, 180, 104] : [52, 54, 80], isLit ? 0.85 : 0.8);
    }
  }
  canvas.glow(130, 470, 260, 110, [150, 120, 130], 0.22);
}

function paintWall(canvas: Canvas): void {
  canvas.shade([236, 84, WIDTH, PAVEMENT_Y], (x, y) => {
    const row = Math.floor((y - 84) / 11);
    const column = Math.floor((x + (row % 2) * 13) / 26);
    const isMortar = (y - 84) % 11 === 0 || (x + (row % 2) * 13) % 26 === 0;
    const tone = 0.82 + 0.3 * grain(column, row, 3);
    return isMortar ? [58, 48, 52] : scale([86, 55, 52], tone);
  });
  canvas.paint([226, 70, WIDTH, 98], box(226, 72, WIDTH + 20, 96), [60, 56, 70]);
  canvas.paint([226, 70, WIDTH, 78], box(226, 72, WIDTH + 20, 77), [92, 86, 100]);
  canvas.paint([232, 84, 252, PAVEMENT_Y], box(236, 96, 248, PAVEMENT_Y), [52, 36, 38], 0.8);
}

function paintUpperWindows(canvas: Canvas): void {
  [310, 500, 690, 880, 1070].forEach((left, index) => {
    const isLit = index === 3;
    canvas.paint([left - 6, 112, left + 106, 178], box(left - 5, 114, left + 103, 176), [128, 116, 112]);
    canvas.shade([left, 119, left + 98, 171], (x, y) => {
      const reflected = mix([44, 52, 84], [120, 96, 104], (y - 119) / 60);
      const inside = mix([250, 206, 132], [196, 132, 70], (y - 119) / 52);
      const curtain = isLit && Math.abs(x - left - 49) > 30 ? 0.72 + 0.1 * Math.sin(x / 2.4) : 1;
      return scale(isLit ? inside : reflected, curtain);
    });
    canvas.paint([left + 46, 119, left + 53, 171], box(left + 47, 119, left + 51, 171), [104, 94, 92]);
    canvas.paint([left, 142, left + 98, 148], box(left, 143, left + 98, 146), [104, 94, 92]);
    if (isLit) canvas.lit(left + 49, 150, 130, 90, WARM, 0.8);
  });
}

function paintShopWindow(canvas: Canvas, left: number, right: number): void {
  const [top, bottom] = [304, 486];
  canvas.paint([left - 10, top - 10, right + 10, bottom + 12], box(left - 9, top - 9, right + 9, bottom + 10), [34, 52, 48]);
  canvas.shade([left, top, right, bottom], (x, y) => {
    const depth = Math.hypot((x - (left + right) / 2) / (right - left), (y - top - 30) / 260);
    return mix([255, 222, 158], [176, 108, 52], Math.min(1, depth * 1.35));
  });
  for (const shelf of [372, 428, 480]) {
    canvas.paint([left, shelf, right, shelf + 6], box(left, shelf, right, shelf + 5), [112, 68, 38], 0.9);
    for (let x = left + 22; x < right - 26; x += 30) {
      const seed = grain(x, shelf, 8);
      if (seed < 0.16) continue;
      const high = 12 + seed * 14;
      const loaf = box(x - 11, shelf - high, x + 11, shelf + 1, 8 * seed + 3);
      canvas.paint([x - 14, shelf - high - 2, x + 14, shelf + 1], loaf, mix([142, 80, 36], [206, 142, 76], seed), 0.95, 1.5);
    }
  }
  for (let x = left + 140; x < right - 20; x += 140) {
    canvas.paint([x - 4, top, x + 4, bottom], box(x - 3, top, x + 3, bottom), [34, 52, 48]);
    canvas.glow(x - 70, top + 12, 34, 20, [255, 244, 214], 0.55);
  }
  const pane = polygon([left + 30, top, left + 84, top, left + 20, bottom, left - 20, bottom]);
  canvas.paint([left, top, left + 84, bottom], pane, [255, 255, 255], 0.1, 6);
}

function paintAwning(canvas: Canvas, left: number, right: number): void {
  canvas.shade([left - 22, 250, right + 22, 318], (x, y, old) => {
    const slope = (y - 252) / 50;
    const edge = left - slope * 20;
    if (y < 252 || x < edge || x > right + slope * 20) return undefined;
    const stripe = Math.floor(((x - edge) / (right - left + slope * 40)) * 18);
    const scallop = 302 + 9 * Math.abs(Math.sin((((x - edge) / (right - left + 40)) * 18 + 0.02) * Math.PI));
    if (y > scallop) return undefined;
    const light = y > 300 ? 0.74 : 0.62 + slope * 0.36;
    return stripe % 2 === 0 ? scale([148, 44, 42], light) : old === undefined ? undefined : scale([222, 206, 178], light);
  });
}

function paintDoor(canvas: Canvas): void {
  const [left, right] = [838, 954];
  canvas.paint([left - 16, 282, right + 16, PAVEMENT_Y], box(left - 14, 286, right + 14, PAVEMENT_Y), [120, 110, 104]);
  canvas.paint([left, 300, right, PAVEMENT_Y], box(left, 300, right, PAVEMENT_Y), [36, 66, 62]);
  canvas.shade([left + 20, 318, right - 20, 424], (x, y) => {
    const t = Math.hypot((x - 896) / 60, (y - 350) / 120);
    return mix([252, 214, 150], [150, 92, 48], Math.min(1, t));
  });
  for (const y of [352, 388]) canvas.paint([left + 18, y, right - 18, y + 4], box(left + 18, y, right - 18, y + 4), [36, 66, 62]);
  canvas.paint([894, 316, 900, 426], box(894, 316, 898, 426), [36, 66, 62]);
  canvas.paint([left + 18, 438, right - 18, 496], box(left + 20, 440, right - 20, 494, 3), [28, 52, 50]);
  canvas.paint([936, 426, 946, 448], limb(941, 430, 941, 444, 3), [226, 190, 110]);
  canvas.paint(
    [left - 26, PAVEMENT_Y - 12, right + 26, PAVEMENT_Y + 6],
    box(left - 24, PAVEMENT_Y - 10, right + 24, PAVEMENT_Y + 5),
    [118, 112, 112],
  );
  canvas.paint([884, 258, 908, 276], box(886, 260, 906, 275, 4), [30, 30, 34]);
  canvas.paint([886, 270, 908, 286], disc(896, 276, 8), [255, 240, 206]);
}

function paintGround(canvas: Canvas): void {
  canvas.shade([0, PAVEMENT_Y, WIDTH, HEIGHT], (x, y) => {
    if (y < KERB_Y - 6) {
      const depth = (y - PAVEMENT_Y) / 80;
      const slab = Math.floor((x - 640) / (70 + depth * 34));
      const isJoint = (x - 640) / (70 + depth * 34) - slab < 0.022 || Math.abs(y - 532) < 1 || Math.abs(y - 560) < 1;
      return scale([96, 94, 104], (isJoint ? 0.72 : 0.9 + 0.1 * grain(slab, Math.floor(depth * 3), 2)) * (0.86 + depth * 0.1));
    }
    if (y < KERB_Y + 6) return y < KERB_Y - 3 ? [128, 124, 130] : [66, 64, 74];
    const depth = (y - KERB_Y) / 132;
    return scale([48, 50, 62], 0.9 + depth * 0.26 + (grain(x >> 1, y >> 1, 4) - 0.5) * 0.07);
  });
  canvas.paint([0, 592, WIDTH, 600], box(-10, 593, WIDTH + 10, 597), [146, 130, 76], 0.5);
  for (let x = -60; x < WIDTH; x += 230) {
    canvas.paint([x, 672, x + 140, 688], polygon([x + 8, 674, x + 126, 674, x + 118, 685, x, 685]), [172, 172, 176], 0.62, 2);
  }
}

/** The wet road mirrors what is above the kerb, stretched and dimmed. */
function paintReflections(canvas: Canvas): void {
  const { data } = canvas;
  canvas.shade([0, KERB_Y + 8, WIDTH, HEIGHT], (x, y, old) => {
    const from = Math.round(PAVEMENT_Y - (y - KERB_Y) * 1.9);
    const wave = Math.round(3 * Math.sin(y / 5.5) + 2 * Math.sin(y / 2.3 + x / 60));
    const fade = 0.026 * (1 - (y - KERB_Y) / 170);
    const made: [number, number, number] = [old[0], old[1], old[2]];
    for (let blur = -4; blur <= 4; blur += 1) {
      const [fromX, fromY] = [Math.min(WIDTH - 1, Math.max(0, x + wave + blur * 2)), Math.max(0, from + blur * 5)];
      const at = (Math.min(PAVEMENT_Y - 1, fromY) * WIDTH + fromX) * 3;
      for (let i = 0; i < 3; i += 1) made[i] = (made[i] ?? 0) + (data[at + i] ?? 0) * fade;
    }
    return made;
  });
}

function paintStreetThings(canvas: Canvas): void {
  for (const [x, y, r] of [
    [784, 446, 26],
    [770, 462, 20],
    [800, 464, 20],
    [786, 424, 18],
  ] as const) {
    canvas.paint([x - 34, y - 34, x + 34, y + 34], disc(x, y, r), [34, 58, 40], 0.95, 8);
  }
  canvas.paint([756, 470, 816, 516], polygon([758, 474, 814, 474, 806, 514, 766, 514]), [122, 84, 66]);
  canvas.paint([196, 120, 216, 520], box(202, 190, 208, PAVEMENT_Y + 14), [26, 26, 32]);
  canvas.paint([150, 180, 214, 200], limb(205, 192, 166, 186, 3), [26, 26, 32]);
  canvas.paint([146, 182, 184, 198], box(150, 185, 180, 193, 4), [255, 236, 196]);
}

function paintLight(canvas: Canvas): void {
  canvas.lit(896, 330, 170, 190, WARM, 1.05);
  canvas.lit(540, 420, 330, 150, WARM, 0.3);
  canvas.lit(165, 400, 150, 260, [255, 220, 170], 0.5);
  canvas.glow(896, 278, 46, 40, [255, 222, 160], 0.75);
  canvas.glow(165, 191, 70, 46, [255, 220, 160], 0.7);
  canvas.glow(896, PAVEMENT_Y + 34, 150, 36, WARM, 0.34);
  canvas.glow(540, PAVEMENT_Y + 32, 300, 34, WARM, 0.36);
  canvas.glow(165, PAVEMENT_Y + 40, 150, 30, [255, 214, 160], 0.26);
  canvas.glow(1080, PAVEMENT_Y + 30, 120, 26, WARM, 0.12);
  canvas.shade([0, 0, WIDTH, HEIGHT], (x, y, old) => {
    const edge = 1 - 0.34 * (((x - 640) / 740) ** 2 + ((y - 380) / 460) ** 2);
    return scale(old, edge);
  });
}

/** Draws everything that does not move. */
export function paintScene(): Canvas {
  const canvas = new Canvas(WIDTH, HEIGHT);
  paintSky(canvas);
  paintFarHouses(canvas);
  paintWall(canvas);
  paintUpperWindows(canvas);
  canvas.paint([296, 196, 1126, 254], box(300, 198, 1124, 252, 3), [28, 48, 46]);
  canvas.paint([296, 196, 1126, 254], box(306, 203, 1118, 247, 2), [34, 60, 56]);
  paintShopWindow(canvas, 322, 748);
  paintShopWindow(canvas, 1010, 1160);
  paintAwning(canvas, 306, 764);
  paintDoor(canvas);
  paintGround(canvas);
  paintStreetThings(canvas);
  paintReflections(canvas);
  paintLight(canvas);
  return canvas;
}
