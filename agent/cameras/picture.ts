/** What can be said of a picture without decoding it. Pure. */

/** Pixels of a picture. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Segments that may stand before the frame's header; a camera writes fewer than ten. */
const MOST_SEGMENTS = 64;
const SOI = 0xffd8;
const EOI = 0xd9;
const SOS = 0xda;
/** C0 to CF are frame headers, except DHT (C4), JPG (C8) and DAC (CC) (ITU-T T.81, table B.1). */
const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** Size of a JPEG as its frame header states it (ITU-T T.81, B.2.2); undefined for what is none, is cut off before it, or states no size. */
export function jpegSize(bytes: Uint8Array): PictureSize | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength < 4 || view.getUint16(0) !== SOI) return undefined;
  let at = 2;
  for (let seen = 0; seen < MOST_SEGMENTS && at + 9 <= view.byteLength; seen += 1) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      // A fill byte (B.1.1.2).
      at += 1;
      continue;
    }
    if (isFrame(marker)) {
      const [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)];
      return width > 0 && height > 0 ? { width, height } : undefined;
    }
    if (marker === SOS || marker === EOI) return undefined;
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}
