import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { parseGuarded } from '../contract/guard.js';
import { parseShape } from '../contract/shapes.js';
import { NamePlate } from '../contract/stored.js';
import { readFileIfThere, writeFileDurably } from '../kernel/atomic-file.js';
import { AgentError } from '../kernel/errors.js';

/** What the maker says of the recorder (firmware hook `identity`). */
export interface MakerIdentity {
  readonly serial?: string | undefined;
  readonly manufacturer?: string | undefined;
  readonly model?: string | undefined;
}

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * The serial number: the maker's, where a hook gives one that fits; else one made at random on the first start. Never derived from a MAC
 * address or time: numbers that can be counted through were how others' recorders were found.
 * @throws AgentError identity.unreadable when the file was damaged
 */
export async function loadNamePlate(folder: string, maker: MakerIdentity): Promise<NamePlate> {
  const path = join(folder, 'name-plate.json');
  const known = await readFileIfThere(path);
  if (known !== undefined) {
    try {
      return parseShape(NamePlate, parseGuarded(known));
    } catch (cause) {
      throw new AgentError({
        code: 'identity.unreadable',
        say: `The recorder's name plate ${path} is damaged.`,
        fix: 'Restore it from a backup of the state folder.',
        cause,
      });
    }
  }
  const plate: NamePlate = {
    v: 1,
    serial: readMakerSerial(maker.serial) ?? `SL${Array.from(randomBytes(8), (byte) => ALPHABET[byte & 31]).join('')}`,
    manufacturer: (maker.manufacturer ?? '').slice(0, 80),
    model: (maker.model ?? '').slice(0, 80),
  };
  await writeFileDurably(path, `${JSON.stringify(plate)}\n`);
  return plate;
}

/** What makers leave in the place of a serial number, without spaces and signs: the same on every board, so it names none. */
const PLACEHOLDER =
  /^(?:DEFAULTSTRING|TOBEFILLED.*|NOT(?:SPECIFIED|APPLICABLE|AVAILABLE)|.*SERIALNUMBER|UNKNOWN|INVALID|0?123456789.*|(.)\1*)$/;

/** Makers print dashes and small letters; the label does not. */
function readMakerSerial(text: string | undefined): string | undefined {
  const plain = text?.toUpperCase().replace(/[^A-Z0-9]/g, '');
  return plain !== undefined && /^[A-Z0-9]{6,20}$/.test(plain) && !PLACEHOLDER.test(plain) ? plain : undefined;
}
