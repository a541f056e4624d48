import { type Bitmap2D, correction, generate, mode } from 'lean-qr';
import { toPngBuffer } from 'lean-qr/extras/node_export';
import { toSvgPath } from 'lean-qr/extras/svg';
import { formatCode, type LabelContent, labelText } from '../contract/code.js';

/** Light modules around the code that readers need (ISO/IEC 18004). */
const QUIET = 4;
/** A terminal is no label: half of it is read well enough and leaves room. */
const TERMINAL_QUIET = 2;
/** Pixels per module: 25 modules and the quiet zone become 330 pixels, 28 mm at 300 dpi. */
const PNG_SCALE = 10;
/** Drawn in light on dark; what is dark in the code is the background. Upper and lower module of one character cell. */
const HALVES = ['█', '▄', '▀', ' '];

/** The QR code of a text in alphanumeric mode (capital letters, digits and `$%*+-./: `); a seventh of it may be scratched (level M). */
export function qrOf(text: string): Bitmap2D {
  return generate(text, { minCorrectionLevel: correction.M, modes: [mode.alphaNumeric] });
}

/** For a terminal, two modules per character cell. `hasColour` sets white on black, so that it is right on light terminals too. */
export function terminalQr(text: string, hasColour: boolean): string {
  const code = qrOf(text);
  const rows: string[] = [];
  for (let y = -TERMINAL_QUIET; y < code.size + TERMINAL_QUIET; y += 2) {
    let row = '';
    for (let x = -TERMINAL_QUIET; x < code.size + TERMINAL_QUIET; x += 1)
      row += HALVES[(code.get(x, y) ? 1 : 0) + (code.get(x, y + 1) ? 2 : 0)];
    rows.push(hasColour ? `\u001b[97;40m${row}\u001b[0m` : row);
  }
  return rows.join('\n');
}

/** The label as it is printed, 50 x 25 mm: QR code, serial number and verification code. Nothing of it is loaded from elsewhere. */
export function labelSvg(label: LabelContent): string {
  const code = qrOf(labelText(label));
  const side = code.size + 2 * QUIET;
  const scale = (25 / side).toFixed(4);
  // A character of a monospace font is 0.6 of its size wide; the longest serial number has 20.
  const serialSize = Math.min(2.9, 24 / (0.6 * label.serial.length));
  const line = (y: number, size: number, text: string, weight = 400): string =>
    `<text x="25" y="${y}" font-size="${size}" font-weight="${weight}">${text}</text>`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<svg xmlns="http://www.w3.org/2000/svg" width="50mm" height="25mm" viewBox="0 0 50 25">',
    '<rect width="50" height="25" fill="#fff"/>',
    `<path transform="scale(${scale}) translate(${QUIET} ${QUIET})" d="${toSvgPath(code)}" shape-rendering="crispEdges"/>`,
    '<g font-family="monospace">',
    line(6, 1.9, 'Serial number'),
    line(9.2, serialSize, label.serial),
    line(14, 1.9, 'Verification code'),
    line(17.6, 3.2, formatCode(label.code), 700),
    line(22, 1.9, `Region ${label.region}`),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

/** The QR code alone as PNG, black on white with its quiet zone, one module of 10 pixels. */
export function labelPng(label: LabelContent): Uint8Array {
  return toPngBuffer(qrOf(labelText(label)), { on: [0, 0, 0], off: [255, 255, 255], pad: QUIET, scale: PNG_SCALE });
}
