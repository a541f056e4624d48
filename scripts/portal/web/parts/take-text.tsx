import { useId, useState } from 'preact/hooks';
import type { AgentError } from '../../../../agent/kernel/errors.js';
import { tellable } from '../state/recorder-session.js';
import { tt } from '../trust-words.js';
import { Button, Problem } from './basics.js';
import { Scanner } from './scanner.js';

interface TakeTextProps<T> {
  /** Marks: `<test>-scan`, `<test>-text`, `<test>-read`, `<test>-unread`. */
  readonly test: string;
  readonly label: string;
  /** What the text says; throws AgentError when it is something else. */
  read(text: string): T;
  onRead(value: T): void;
}

/** Takes a text from another screen: by this device's camera, or pasted. */
export function TakeText<T>({ test, label, read, onRead }: TakeTextProps<T>) {
  const id = useId();
  const [isScanning, setScanning] = useState(false);
  const [text, setText] = useState('');
  const [error, setError] = useState<AgentError>();
  const take = (given: string): boolean => {
    try {
      const value = read(given);
      setError(undefined);
      setScanning(false);
      onRead(value);
      return true;
    } catch (thrown) {
      setError(tellable(thrown));
      return false;
    }
  };
  return (
    <div class="take-text">
      {isScanning ? (
        <Scanner hint={tt.scanHint} other={tt.scanOther} failed={tt.pasteLabel} onClose={() => setScanning(false)} onText={take} />
      ) : (
        <Button test={`${test}-scan`} onPress={() => setScanning(true)}>
          {tt.scanText}
        </Button>
      )}
      <div class="field">
        <label for={id}>{label}</label>
        <textarea
          id={id}
          data-test={`${test}-text`}
          rows={3}
          value={text}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setError(undefined);
          }}
        />
      </div>
      {error !== undefined && !isScanning && <Problem error={error} test={`${test}-unread`} />}
      <Button test={`${test}-read`} isDisabled={text.trim() === ''} onPress={() => void take(text)}>
        {tt.pasteDo}
      </Button>
    </div>
  );
}
