import { Email, PersonName, parseShape, Serial } from '../../../agent/contract/shapes.js';
import { t } from './words.js';

/** The same shapes the recorder checks with. */
type Shape = Parameters<typeof parseShape>[0];

function fits(shape: Shape, text: string): boolean {
  try {
    parseShape(shape, text);
    return true;
  } catch {
    return false;
  }
}

/** The error of a name as typed, or undefined when it is fine; `sentence` says what kind of name it is. */
export const nameError = (text: string, sentence = t.errorName): string | undefined =>
  fits(PersonName, text.trim()) ? undefined : sentence;

/** The error of an e-mail address as typed, or undefined. */
export const emailError = (text: string): string | undefined => (fits(Email, text.trim()) ? undefined : t.errorEmail);

/** A serial number as typed: any case, spaces and dashes left out. */
export function readSerial(text: string): string {
  return text.toUpperCase().replace(/[\s-]/g, '');
}

/** The error of a serial number as typed, or undefined. */
export const serialError = (text: string): string | undefined => (fits(Serial, readSerial(text)) ? undefined : t.errorSerial);
