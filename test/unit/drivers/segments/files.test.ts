/** The demuxers on files that ffmpeg made: whole, cut at every byte, and hostile. */
import { readFile } from 'node:fs/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DriverError } from '../../../../drivers/port.js';
import type { FileBytes, SegmentMedia } from '../../../../drivers/segments/media.js';
import { openMp4 } from '../../../../drivers/segments/mp4-file.js';
import { openTs } from '../../../../drivers/segments/ts-file.js';
import { type ClipKind, clipFile } from '../../../support/footage-clips.js';

/** Bytes as a file, with what was asked of it. */
class Bytes implements FileBytes {
  isClosed = false;
  largestRead = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  read(at: number, length: number): Promise<Buffer> {
    this.largestRead = Math.max(this.largestRead, length);
    return Promise.resolve(this.#bytes.subarray(at, at + length));
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

const open = (kind: ClipKind, file: FileBytes): Promise<SegmentMedia> => (kind.endsWith('ts') ? openTs(file) : openMp4(file));

async function pictures(media: SegmentMedia): Promise<string[]> {
  const told: string[] = [];
  for (let index = 0; index < media.count; index += 1) {
    const { isIntra, nals } = await media.read(index);
    told.push(
      `${Math.round(media.timeMs(index))} ${isIntra} ${nals.map((nal) => (nal[0] ?? 0) & 31).join(',')} ${nals.reduce((sum, nal) => sum + nal.length, 0)}`,
    );
  }
  return told;
}

const without = (rows: readonly string[]): string[] => rows.map((row) => row.replace(/ \d+$/, ''));

test('plain, fragmented and transport stream tell the same pictures', async () => {
  const all = await Promise.all(
    (['plain', 'fragmented', 'ts'] as const).map(async (kind) => open(kind, new Bytes(await readFile(await clipFile(kind))))),
  );
  const [plain, fragmented, ts] = all as [SegmentMedia, SegmentMedia, SegmentMedia];
  for (const media of all) {
    assert.is(media.count, 500);
    assert.is(Math.round(media.durationMs), 20_000);
    assert.equal(
      [...Array(500).keys()].filter((index) => media.isIntra(index)),
      [0, 100, 200, 300, 400],
    );
  }
  assert.equal(await pictures(fragmented), await pictures(plain));
  const strip = (row: string): string => row.replace(/\b6,/, '');
  assert.equal(without(await pictures(ts)).map(strip), without(await pictures(plain)).map(strip));
});

test('H.265 is read with its parameter sets', async () => {
  const media = await openMp4(new Bytes(await readFile(await clipFile('h265'))));
  assert.is(media.codec, 'H265');
  const { isIntra, nals } = await media.read(0);
  assert.is(isIntra, true);
  assert.equal(nals.map((nal) => ((nal[0] ?? 0) >> 1) & 63).slice(0, 3), [32, 33, 34]);
  await media.close();
});

for (const kind of ['tiny', 'tiny-fragmented', 'tiny-ts'] as const)
  test(`${kind}: cut at every byte it gives its first pictures or a typed error, and the file is closed`, async () => {
    const whole = await readFile(await clipFile(kind));
    const known = await pictures(await open(kind, new Bytes(whole)));
    assert.is(known.length, 10);
    let most = 0;
    for (let length = 0; length < whole.length; length += 1) {
      const file = new Bytes(whole.subarray(0, length));
      try {
        const media = await open(kind, file);
        const told = await pictures(media);
        most = Math.max(most, told.length);
        // The last picture of a cut transport stream may be cut itself.
        const sure = kind === 'tiny-ts' ? told.length - 1 : told.length;
        assert.equal(told.slice(0, sure), known.slice(0, sure));
        await media.close();
      } catch (error) {
        if (!(error instanceof DriverError)) throw error;
        assert.ok(error.code === 'footage.broken' || error.code === 'stream.unsupported', error.code);
      }
      assert.ok(file.isClosed);
    }
    assert.ok(kind === 'tiny' || most >= 5, `a cut file still shows ${most}`);
  });

test('every byte turned over: a typed error or pictures, never another fault, never a read larger than the file’s tables', async () => {
  for (const kind of ['tiny', 'tiny-fragmented', 'tiny-ts'] as const) {
    const whole = await readFile(await clipFile(kind));
    for (let at = 0; at < whole.length; at += kind === 'tiny-ts' ? 7 : 1) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ 0xff;
      const file = new Bytes(bytes);
      try {
        const media = await open(kind, file);
        for (let index = 0; index < Math.min(12, media.count); index += 1)
          await media.read(index).catch((error: unknown) => {
            if (!(error instanceof DriverError)) throw error;
          });
        await media.close();
      } catch (error) {
        if (!(error instanceof DriverError)) throw error;
      }
      assert.ok(file.largestRead <= 17 * 1024 * 1024);
    }
  }
});

test('a table that claims to be huge is refused before it is read', async () => {
  const file = new Bytes(Buffer.alloc(64));
  const huge = Object.assign(Object.create(file) as Bytes, {});
  Object.defineProperty(huge, 'sizeBytes', { value: 2 ** 40 });
  const head = Buffer.alloc(4096);
  head.writeUInt32BE(1, 0);
  head.write('moov', 4, 'latin1');
  head.writeBigUInt64BE(BigInt(2 ** 39), 8);
  let asked = 0;
  huge.read = (_at: number, length: number) => {
    asked = Math.max(asked, length);
    return Promise.resolve(head);
  };
  huge.close = () => Promise.resolve();
  let code = '';
  await openMp4(huge).catch((error: unknown) => {
    code = error instanceof DriverError ? error.code : String(error);
  });
  assert.is(code, 'footage.refused');
  assert.ok(asked <= 4096);
});

test.run();
