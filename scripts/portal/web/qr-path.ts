/** White margin that a reader needs, in modules (ISO/IEC 18004). */
const QUIET = 4;

/** A square code as one SVG path in a square of `size` units: small, and sharp at every size. */
export interface QrDrawing {
  readonly size: number;
  readonly path: string;
}

/** Draws the dark modules of a code, joined along rows, with its margin. */
export function qrPath(code: { readonly size: number; get(x: number, y: number): boolean }): QrDrawing {
  let path = '';
  for (let y = 0; y < code.size; y += 1) {
    for (let x = 0; x < code.size; x += 1) {
      if (!code.get(x, y)) continue;
      const from = x;
      while (code.get(x + 1, y)) x += 1;
      path += `M${from + QUIET} ${y + QUIET}h${x - from + 1}v1h${from - x - 1}z`;
    }
  }
  return { size: code.size + 2 * QUIET, path };
}
