/** Puts H.265 pictures together from a camera's RTP packets (RFC 7798) for a decoder that reads Annex B. No I/O. */

const START_CODE = Buffer.from([0, 0, 0, 1]);
/** An access unit delimiter (H.265 7.3.2.5): the decoder then knows at once that the picture before it is whole, and is not a picture late. */
const DELIMITER = Buffer.from([0, 0, 0, 1, 35 << 1, 1, 0x50]);
const TYPE_DELIMITER = 35;
const TYPE_AP = 48;
const TYPE_FU = 49;
const FIRST_IRAP = 16;
const LAST_IRAP = 21;
/** No picture of a camera is larger; what would be is dropped. */
const MAX_PICTURE_BYTES = 8 * 1024 * 1024;
/** Units and fragments cost memory of their own, however small they are. */
const MAX_UNITS = 1_024;
const MAX_FRAGMENTS = 16_384;

const typeOf = (first: number): number => (first >> 1) & 0x3f;

/** One per stream. Begins with a picture at which decoding can begin; parts that were lost are left out. */
export class H265Pictures {
  readonly #onPicture: (annexB: Buffer, isIntra: boolean) => void;
  readonly #sets: readonly Uint8Array[];
  #parts: Buffer[] = [];
  #bytes = 0;
  #units = 0;
  /** Within the bounds of a picture; what is not is dropped at once. */
  #isFit = true;
  #fragments: Buffer[] = [];
  #fragmentBytes = 0;
  #timestamp = -1;
  #sequence = -1;
  #isIntra = false;
  #hasBegun = false;

  /** `parameterSets`: of the description; they go out first. */
  constructor(parameterSets: readonly Uint8Array[], onPicture: (annexB: Buffer, isIntra: boolean) => void) {
    this.#sets = parameterSets;
    this.#onPicture = onPicture;
  }

  /** Takes the RTP packet at [start, end); its bytes are copied. */
  push(buffer: Buffer, start: number, end: number): void {
    const payload = payloadOf(buffer, start, end);
    if (payload === undefined) return;
    const sequence = buffer.readUInt16BE(start + 2);
    const timestamp = buffer.readUInt32BE(start + 4);
    if (this.#sequence >= 0 && sequence !== ((this.#sequence + 1) & 0xffff)) this.#fragments = [];
    this.#sequence = sequence;
    if (timestamp !== this.#timestamp) this.#finish();
    this.#timestamp = timestamp;
    this.#take(buffer.subarray(payload.from, payload.to));
    if (((buffer[start + 1] ?? 0) & 0x80) !== 0) this.#finish();
  }

  #take(payload: Buffer): void {
    const type = typeOf(payload[0] ?? 0);
    if (payload.length < 3 || !this.#isFit) return;
    if (type === TYPE_FU) this.#takeFragment(payload);
    else if (type === TYPE_AP) {
      for (let at = 2; this.#isFit && at + 2 < payload.length; ) {
        const to = at + 2 + payload.readUInt16BE(at);
        if (to > payload.length || to < at + 5) return;
        this.#unit(payload.subarray(at + 2, to));
        at = to;
      }
    } else if (type < TYPE_AP) this.#unit(payload);
  }

  #takeFragment(payload: Buffer): void {
    if (payload.length < 4) return;
    const [first = 0, second = 0, head = 0] = payload;
    if ((head & 0x80) !== 0) {
      this.#fragments = [Buffer.from([(first & 0x81) | ((head & 0x3f) << 1), second])];
      this.#fragmentBytes = 0;
    }
    this.#fragmentBytes += payload.length;
    // A unit without end is no picture: its beginning is forgotten.
    if (this.#fragmentBytes > MAX_PICTURE_BYTES || this.#fragments.length > MAX_FRAGMENTS) this.#spoil();
    if (this.#fragments.length === 0) return;
    this.#fragments.push(Buffer.from(payload.subarray(3)));
    if ((head & 0x40) === 0) return;
    const unit = Buffer.concat(this.#fragments);
    this.#fragments = [];
    this.#unit(unit);
  }

  #unit(nal: Buffer): void {
    const type = typeOf(nal[0] ?? 0);
    if (type === TYPE_DELIMITER) return;
    if (type >= FIRST_IRAP && type <= LAST_IRAP) this.#isIntra = true;
    this.#bytes += nal.length;
    this.#units += 1;
    if (this.#bytes > MAX_PICTURE_BYTES || this.#units > MAX_UNITS) this.#spoil();
    else this.#parts.push(START_CODE, Buffer.from(nal));
  }

  #spoil(): void {
    this.#isFit = false;
    this.#parts = [];
    this.#fragments = [];
  }

  #finish(): void {
    const [parts, isIntra] = [this.#parts, this.#isIntra];
    this.#parts = [];
    this.#bytes = 0;
    this.#units = 0;
    this.#isFit = true;
    this.#fragments = [];
    this.#isIntra = false;
    if (parts.length === 0 || (!this.#hasBegun && !isIntra)) return;
    const sets = this.#hasBegun ? [] : this.#sets.flatMap((set) => [START_CODE, set]);
    this.#hasBegun = true;
    this.#onPicture(Buffer.concat([...sets, ...parts, DELIMITER]), isIntra);
  }
}

/** The payload without header extension and padding (RFC 3550 5.1); undefined for what is no RTP. */
function payloadOf(buffer: Buffer, start: number, end: number): { from: number; to: number } | undefined {
  const head = buffer[start] ?? 0;
  if (end - start < 14 || head >> 6 !== 2) return undefined;
  let from = start + 12 + 4 * (head & 0x0f);
  if ((head & 0x10) !== 0) from += from + 4 > end ? end : 4 + 4 * buffer.readUInt16BE(from + 2);
  const to = (head & 0x20) === 0 ? end : end - (buffer[end - 1] ?? 0);
  return from < to ? { from, to } : undefined;
}
