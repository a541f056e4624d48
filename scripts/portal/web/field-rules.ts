import { safeParse } from 'zod/mini';
import { Email, PersonName, Serial } from '../../../agent/contract/shapes.js';
import { t } from './words.js';

/** The error of a field as typed, or undefined when it is fine. The same shapes the recorder checks with. */
export const nameError = (text: string, sentence = t.errorName): string | undefined =>
  safeParse(PersonName, text.trim()).success ? undefined : sentence;

export const emailError = (text: string): string | undefined => (safeParse(Email, text.trim()).success ? undefined : t.errorEmail);

/** A serial number as typed: any case, spaces and dashes left out. */
export function readSerial(text: string): string {
  return text.toUpperCase().replace(/[\s-]/g, '');
}

export const serialError = (text: string): string | undefined => (safeParse(Serial, readSerial(text)).success ? undefined : t.errorSerial);
