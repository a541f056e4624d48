import * as z from 'zod/mini';
import { DriverError } from '../port.js';

/** Readers for what xml2js makes of a camera's XML: lenient about what is missing, strict about what is used. */

function textOf(value: unknown): string {
  if (typeof value === 'string') return value.trim();
  if (typeof value !== 'object' || value === null) return '';
  const inner = (value as { _?: unknown })._;
  return typeof inner === 'string' ? inner.trim() : '';
}

/** The element's text, bounded; empty when the element is missing or empty. */
export const text = z.pipe(
  z.transform((value) => textOf(value).slice(0, 4096)),
  z.string(),
);

/** A finite number; undefined when missing or not a number. */
export const number = z.pipe(
  z.transform((value) => {
    const words = textOf(value);
    const parsed = words === '' ? Number.NaN : Number(words);
    return Number.isFinite(parsed) ? parsed : undefined;
  }),
  z.optional(z.number()),
);

/** A schema seen as one that takes whatever the transform before it makes: it judges that value itself. */
const judging = <S extends z.core.$ZodType>(schema: S) => schema as unknown as z.ZodMiniType<z.output<S>, unknown>;

/** One, many or no elements of the same name, always as an array. */
export function many<S extends z.core.$ZodType>(item: S) {
  const asArray = (value: unknown): unknown => (value === undefined || value === '' ? [] : Array.isArray(value) ? value : [value]);
  return z.pipe(z.transform(asArray), judging(z.array(item)));
}

/** The first of one or many elements; undefined when there is none. */
export function first<S extends z.core.$ZodType>(item: S) {
  const asOne = (value: unknown): unknown => {
    const one: unknown = Array.isArray(value) ? value[0] : value;
    return one === '' || one === null ? undefined : one;
  };
  return z.pipe(z.transform(asOne), judging(z.optional(item)));
}

/** Attributes of an element; an element without any reads as one whose attributes are all empty. */
export function attributes<Name extends string>(...names: readonly Name[]) {
  const shape = Object.fromEntries(names.map((name) => [name, text])) as Record<Name, typeof text>;
  const asObject = (value: unknown): unknown => (typeof value === 'object' && value !== null ? value : {});
  return z.pipe(z.transform(asObject), judging(z.object(shape)));
}

/** The least and the greatest value an element names. */
export const range = z.object({ Min: number, Max: number });

/** What the camera said, in our shape, or `camera.bad_answer` naming the place. */
export function read<S extends z.core.$ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const made = z.safeParse(schema, value);
  if (made.success) return made.data;
  const place = made.error.issues[0]?.path.join('.') ?? '';
  throw new DriverError('camera.bad_answer', `the camera's ${what} cannot be read at "${place}"`, { detail: { what, place } });
}
