/** A small picture in memory with smooth-edged shapes and light: all that the test clip's scene needs to be drawn with. */

/** Red, green, blue, 0..255 each. */
export type Colour = readonly [number, number, number];

/** Signed distance to a shape's edge in pixels, negative inside. */
export type Shape = (x: number, y: number) => number;

/** A rectangle, with `round` as the corners' radius. */
export function box(left: number, top: number, right: number, bottom: number, round = 0): Shape {
  const [cx, cy] = [(left + right) / 2, (top + bottom) / 2];
  const [hx, hy] = [(right - left) / 2 - round, (bottom - top) / 2 - round];
  return (x, y) => {
    const [dx, dy] = [Math.abs(x - cx) - hx, Math.abs(y - cy) - hy];
    return Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - round;
  };
}

/** A disc. */
export const disc = (cx: number, cy: number, radius: number): Shape => {
  return (x, y) => Math.hypot(x - cx, y - cy) - radius;
};

/** A thick line with round ends. */
export function limb(ax: number, ay: number, bx: number, by: number, radius: number): Shape {
  const [vx, vy] = [bx - ax, by - ay];
  const length = vx * vx + vy * vy || 1;
  return (x, y) => {
    const along = Math.min(1, Math.max(0, ((x - ax) * vx + (y - ay) * vy) / length));
    return Math.hypot(x - ax - along * vx, y - ay - along * vy) - radius;
  };
}

/** A convex polygon, corners clockwise as seen on the screen: [x, y, x, y, ...]. */
export function polygon(corners: readonly number[]): Shape {
  const edges: { x: number; y: number; nx: number; ny: number }[] = [];
  for (let i = 0; i < corners.length; i += 2) {
    const [x, y] = [corners[i] ?? 0, corners[i + 1] ?? 0];
    const [x2, y2] = [corners[(i + 2) % corners.length] ?? 0, corners[(i + 3) % corners.length] ?? 0];
    const length = Math.hypot(x2 - x, y2 - y) || 1;
    edges.push({ x, y, nx: (y2 - y) / length, ny: -(x2 - x) / length });
  }
  return (x, y) => {
    let worst = Number.NEGATIVE_INFINITY;
    for (const edge of edges) worst = Math.max(worst, (x - edge.x) * edge.nx + (y - edge.y) * edge.ny);
    return worst;
  };
}

/** A number in 0..1 that looks random and is the same in every run. */
export function grain(x: number, y: number, seed = 0): number {
  let h = (x * 374761393 + y * 668265263 + seed * 2147483647) | 0;
  h = Math.imul(h ^ (h >>> 13), 1274126177);
  return ((h ^ (h >>> 16)) >>> 0) / 4294967296;
}

/** Three floats per pixel, row by row from the top left. */
export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.data = new Float32Array(width * height * 3);
  }

  /** Sets every pixel of an area from its old colour; a shader that returns undefined leaves it. */
  shade(area: readonly [number, number, number, number], shader: (x: number, y: number, old: Colour) => Colour | undefined): void {
    const [left, top] = [Math.max(0, Math.floor(area[0])), Math.max(0, Math.floor(area[1]))];
    const [right, bottom] = [Math.min(this.width, Math.ceil(area[2])), Math.min(this.height, Math.ceil(area[3]))];
    for (let y = top; y < bottom; y += 1) {
      for (let x = left; x < right; x += 1) {
        const at = (y * this.width + x) * 3;
        const made = shader(x, y, [this.data[at] ?? 0, this.data[at + 1] ?? 0, this.data[at + 2] ?? 0]);
        if (made !== undefined) this.data.set(made, at);
      }
    }
  }

  /** Paints a shape with an edge `soft` pixels wide. `area` bounds the work: left, top, right, bottom. */
  paint(area: readonly [number, number, number, number], shape: Shape, colour: Colour, alpha = 1, soft = 1): void {
    this.shade(area, (x, y, old) => {
      const cover = alpha * Math.min(1, Math.max(0, 0.5 - shape(x + 0.5, y + 0.5) / soft));
      if (cover <= 0) return undefined;
      return [old[0] + (colour[0] - old[0]) * cover, old[1] + (colour[1] - old[1]) * cover, old[2] + (colour[2] - old[2]) * cover];
    });
  }

  /** Adds light that falls off with distance from a point; it never burns out to flat white. */
  glow(cx: number, cy: number, rx: number, ry: number, colour: Colour, strength: number): void {
    this.shade([cx - 2.5 * rx, cy - 2.5 * ry, cx + 2.5 * rx, cy + 2.5 * ry], (x, y, old) => {
      const light = strength * Math.exp(-1.6 * (((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2));
      if (light < 0.003) return undefined;
      return [
        old[0] + (255 - old[0]) * Math.min(1, (colour[0] / 255) * light),
        old[1] + (255 - old[1]) * Math.min(1, (colour[1] / 255) * light),
        old[2] + (255 - old[2]) * Math.min(1, (colour[2] / 255) * light),
      ];
    });
  }

  /** Multiplies an area by a lit colour, as lamp light does on a wall: what is dark there stays dark. */
  lit(cx: number, cy: number, rx: number, ry: number, colour: Colour, strength: number): void {
    this.shade([cx - 2.5 * rx, cy - 2.5 * ry, cx + 2.5 * rx, cy + 2.5 * ry], (x, y, old) => {
      const light = strength * Math.exp(-1.6 * (((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2));
      if (light < 0.003) return undefined;
      return [old[0] * (1 + (light * colour[0]) / 255), old[1] * (1 + (light * colour[1]) / 255), old[2] * (1 + (light * colour[2]) / 255)];
    });
  }

  /** 24-bit RGB. */
  toRgb24(): Uint8Array {
    return Uint8ClampedArray.from(this.data) as unknown as Uint8Array;
  }
}
