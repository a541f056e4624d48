import { useId, useState } from 'preact/hooks';
import { tt } from '../trust-words.js';
import { Button } from './basics.js';
import { Qr } from './qr.js';

interface ShowTextProps {
  readonly test: string;
  /** What the code is for, in words. */
  readonly what: string;
  readonly text: string;
  readonly label: string;
}

/** A text for another screen: as a square code, to copy, and for a test in `data-text`. */
export function ShowText({ test, what, text, label }: ShowTextProps) {
  const id = useId();
  const [isCopied, setCopied] = useState(false);
  const copy = (): void => {
    navigator.clipboard?.writeText(text).then(
      () => setCopied(true),
      () => document.getElementById(id)?.focus(),
    );
  };
  return (
    <div class="show-text" data-test={test} data-text={text}>
      <Qr text={text} label={tt.qrFor(what)} />
      <div class="field">
        <label for={id}>{label}</label>
        <textarea id={id} readOnly rows={3} value={text} onFocus={(event) => event.currentTarget.select()} />
      </div>
      <Button test={`${test}-copy`} onPress={copy}>
        {isCopied ? tt.copied : tt.copy}
      </Button>
    </div>
  );
}
