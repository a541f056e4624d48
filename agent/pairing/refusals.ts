import { AgentError } from '../kernel/errors.js';

const BUTTON = 'Press the recorder’s button for 3 seconds, then try again with the code from the label.';

const REFUSALS = {
  owned: ['This recorder has an owner.', 'Ask the owner for permission, or for a hand-over.'],
  not_owned: ['This recorder has no owner yet, so nothing can join one.', 'Pair it first: run "sightline press", or press its button.'],
  closed: ['The recorder is not waiting for pairing.', 'Press its button for 3 seconds (or restart it), then pair within 15 minutes.'],
  locked: ['Too many wrong codes.', BUTTON],
  wait: ['Too many wrong codes in a row.', 'Wait, then try again with the code from the label.'],
  wrong_code: ['This is not the code of this recorder.', 'Compare it with the label.'],
  bad_message: ['The pairing message does not fit this exchange.', 'Start pairing again.'],
  other_text: ['The consent was given to another text than this recorder knows.', 'Update the app or the recorder, then pair again.'],
  other_operator: [
    'The consent names another operator than the one this recorder is connected with.',
    'Start pairing again; if it happens again, ask who set the recorder up which cloud it is meant for.',
  ],
  not_agreed: ['The consent does not agree to pairing.', 'Read the text again and accept it, or leave the recorder as it is.'],
  busy: ['The recorder is working on other pairing requests.', 'Try again in a moment. No try was used up.'],
  failed: ['The recorder could not finish pairing.', 'Try again; if it stays so, restart the recorder.'],
  label_exists: [
    'This recorder has a printed label already.',
    'Use that label. If it is lost, make another one with --again: the old label is worthless from then on.',
  ],
} as const satisfies Record<string, readonly [say: string, fix: string]>;

/** The reasons for which pairing is refused; `pairing.<name>` is the stable code. */
export type RefusalName = keyof typeof REFUSALS;

/** A refusal in a person's words. `retryS` (seconds, 0: waiting does not help) stands in the sentence and in `detail`. */
export function refusal(name: RefusalName, options: { readonly retryS?: number; readonly cause?: unknown } = {}): AgentError {
  const [say, fix] = REFUSALS[name];
  const { retryS = 0, cause } = options;
  const wait = retryS > 0 ? ` ${retryS} seconds to wait.` : '';
  const retryable = retryS > 0 || name === 'busy' || name === 'failed';
  return new AgentError({ code: `pairing.${name}`, say: say + wait, fix, retryable, cause, detail: { retryS } });
}
