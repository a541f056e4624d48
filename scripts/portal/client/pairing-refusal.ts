import type { PairAnswer } from '../../../agent/contract/pairing.js';
import { AgentError } from '../../../agent/kernel/errors.js';

const WORDS: Readonly<Record<string, readonly [say: string, fix: string]>> = {
  'pairing.owned': ['This recorder has an owner.', 'Ask the owner for permission.'],
  'pairing.closed': [
    'The recorder is not waiting for pairing.',
    'Press its button for 3 seconds (or restart it), then pair within 15 minutes.',
  ],
  'pairing.locked': ['Too many wrong codes.', 'Press the recorder’s button for 3 seconds, then try again.'],
  'pairing.wait': ['Too many wrong codes in a row.', 'Wait, then try again with the code from the label.'],
  'pairing.wrong_code': ['This is not the code of this recorder.', 'Compare serial number and code with the label.'],
  'pairing.bad_message': ['The pairing message does not fit this exchange.', 'Start pairing again.'],
  'pairing.not_owned': [
    'This recorder has no owner whose device could join.',
    'Press its button for 3 seconds, then pair it as its owner.',
  ],
  'pairing.other_operator': [
    'The recorder is connected with another operator than it said.',
    'Start pairing again; if it happens again, pair from the recorder’s own network.',
  ],
  'pairing.not_agreed': ['The recorder needs your agreement.', 'Read the text and agree to it, or leave the recorder as it is.'],
  'pairing.busy': ['The recorder is busy with other pairing requests.', 'Try again in a moment. No try was used up.'],
  'pairing.other_text': ['The recorder knows another consent text than this app.', 'Update the app or the recorder, then pair again.'],
};

/**
 * A refusal in this app's own words. Before the two sides know each other anybody at the relay can write a refusal, and must not be
 * able to put sentences in front of a person who holds the label in her hand. `detail` has retryS (seconds, an hour at most) and left (tries).
 */
export function pairingRefusal(answer: Extract<PairAnswer, { t: 'pair.err' }>): AgentError {
  const retryS = Math.min(Math.max(answer.retryS, 0), 3_600);
  const code = /^[a-z_]{1,20}\.[a-z0-9_]{1,30}$/.test(answer.code) ? answer.code : 'pairing.refused';
  const [say, fix] = WORDS[code] ?? [
    'The recorder could not finish pairing.',
    'Start pairing again; if it stays so, restart the recorder.',
  ];
  const wait = retryS > 0 ? ` ${retryS} seconds to wait.` : '';
  return new AgentError({ code, say: say + wait, fix, retryable: retryS > 0, detail: { retryS, left: Math.max(answer.left, 0) } });
}
