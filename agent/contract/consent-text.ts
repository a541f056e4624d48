import { sha256Text } from './text.js';

/** The text an owner accepts at pairing. Its hash goes into the signed consent: the log can prove which words were shown. */
export const CONSENT_TEXT = {
  version: '2026-11',
  language: 'en',
  title: 'Before this recorder is yours to manage',
  paragraphs: [
    'This recorder will keep a key of yours. From now on it does only what you allow: you decide who may look at the site’s information, its health, its settings and its pictures, for how long, and you may take any of it back at any time.',
    'Nobody can watch now. Not your installer, and not the service that carries the messages: it passes on sealed letters which it cannot open. A picture leaves the recorder only while a person whom you allowed is watching, goes only to that person, and is stored nowhere on the way.',
    'The recorder tells the service that it is switched on, its serial number and its software version. It keeps a log of everything that is done, with the name and e-mail address of the person who did it. You can read and check this log, and the service receives only its check sums.',
    'If you lose the key, it can be replaced only by someone who stands in front of the recorder. If you no longer agree, withdraw every permission, or reset the recorder.',
  ],
} as const;

/** SHA-256 of the text exactly as shown. */
export function consentTextHash(): Promise<string> {
  return sha256Text([CONSENT_TEXT.version, CONSENT_TEXT.language, CONSENT_TEXT.title, ...CONSENT_TEXT.paragraphs].join('\n'));
}
