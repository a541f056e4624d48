/** Pelco-D as bytes, read by the receiver: FF address command1 command2 data1 data2 checksum (sum of bytes 2 to 6). Pure. */

interface Addressed {
  /** 1-based, as on the wire. */
  readonly address: number;
  /** The whole frame in hex. */
  readonly hex: string;
}

export type PelcoCommand = Addressed &
  (
    | {
        readonly kind: 'motion';
        /** Right, up, tele are 1. */
        readonly pan: -1 | 0 | 1;
        readonly tilt: -1 | 0 | 1;
        readonly zoom: -1 | 0 | 1;
        readonly focus: 'near' | 'far' | undefined;
        readonly iris: 'open' | 'close' | undefined;
        readonly panSpeed: number;
        readonly tiltSpeed: number;
      }
    | { readonly kind: 'set-preset' | 'clear-preset' | 'goto-preset'; readonly preset: number }
    | { readonly kind: 'auxiliary'; readonly number: number; readonly isOn: boolean }
    | { readonly kind: 'query'; readonly what: 'pan' | 'tilt' | 'zoom'; readonly reply: Uint8Array }
    | { readonly kind: 'other' }
  );

export type PelcoInput = PelcoCommand | { readonly kind: 'noise'; readonly bytes: Uint8Array };

const FRAME_BYTES = 7;

/** Sum of bytes 2 to 6, modulo 256. */
export const pelcoChecksum = (frame: Uint8Array): number => frame.subarray(1, 6).reduce((sum, byte) => sum + byte, 0) & 255;

const direction = (bits: number, plus: number, minus: number): -1 | 0 | 1 => ((bits & plus) !== 0 ? 1 : (bits & minus) !== 0 ? -1 : 0);

function reply(address: number, command: number): Uint8Array {
  const frame = Uint8Array.of(0xff, address, 0, command + 8, 0, 0, 0);
  frame[6] = pelcoChecksum(frame);
  return frame;
}

/** What seven bytes with a right checksum mean. */
function decode(frame: Uint8Array): PelcoCommand {
  const [, address = 0, one = 0, two = 0, first = 0, second = 0] = frame;
  const base = { address, hex: Buffer.from(frame).toString('hex') };
  if ((two & 1) === 0) {
    const focus = (one & 1) !== 0 ? 'near' : (two & 0x80) !== 0 ? 'far' : undefined;
    const iris = (one & 2) !== 0 ? 'open' : (one & 4) !== 0 ? 'close' : undefined;
    const moves = { pan: direction(two, 2, 4), tilt: direction(two, 8, 16), zoom: direction(two, 32, 64) };
    return { ...base, kind: 'motion', ...moves, focus, iris, panSpeed: first, tiltSpeed: second };
  }
  switch (two) {
    case 0x03:
      return { ...base, kind: 'set-preset', preset: second };
    case 0x05:
      return { ...base, kind: 'clear-preset', preset: second };
    case 0x07:
      return { ...base, kind: 'goto-preset', preset: second };
    case 0x09:
    case 0x0b:
      return { ...base, kind: 'auxiliary', number: second, isOn: two === 0x09 };
    case 0x51:
    case 0x53:
    case 0x55:
      return { ...base, kind: 'query', what: two === 0x51 ? 'pan' : two === 0x53 ? 'tilt' : 'zoom', reply: reply(address, two) };
    default:
      return { ...base, kind: 'other' };
  }
}

/** Finds frames in a byte stream, in whatever pieces and after whatever noise. */
export function createPelcoReader(): (piece: Uint8Array) => readonly PelcoInput[] {
  let rest = new Uint8Array(0);
  return (piece) => {
    const found: PelcoInput[] = [];
    const bytes = new Uint8Array(rest.length + piece.length);
    bytes.set(rest);
    bytes.set(piece, rest.length);
    let at = 0;
    let noiseFrom = 0;
    while (at + FRAME_BYTES <= bytes.length) {
      const frame = bytes.subarray(at, at + FRAME_BYTES);
      if (frame[0] !== 0xff || frame[6] !== pelcoChecksum(frame)) {
        at += 1;
        continue;
      }
      if (noiseFrom < at) found.push({ kind: 'noise', bytes: bytes.slice(noiseFrom, at) });
      found.push(decode(frame));
      at += FRAME_BYTES;
      noiseFrom = at;
    }
    if (noiseFrom < at) found.push({ kind: 'noise', bytes: bytes.slice(noiseFrom, at) });
    rest = bytes.slice(at);
    return found;
  };
}
