import type { ComponentChildren } from 'preact';
import { useEffect, useId, useState } from 'preact/hooks';
import type { Reason } from '../../../../agent/contract/views.js';
import { ago, exactMoment } from '../format.js';
import { useApp } from '../state/context.js';
import { t } from '../words.js';

type Children = { readonly children?: ComponentChildren };

/** Verdict, error and status levels: each has a colour, an icon and a word. */
export type Level = 'ok' | 'attention' | 'act';

const ICONS: Record<Level, string> = { ok: '✓', attention: '!', act: '✕' };

/** A round sign for a level; the word stands beside it. */
export function LevelIcon({ level }: { readonly level: Level }) {
  return (
    <span class={`level level-${level}`} aria-hidden="true">
      {ICONS[level]}
    </span>
  );
}

/** The one sentence of a page. Spoken when it changes. */
export function Verdict({ level, sentence }: { readonly level: Level; readonly sentence: string }) {
  const word = { ok: t.verdictOk, attention: t.verdictAttention, act: t.verdictAct }[level];
  return (
    <section class={`verdict verdict-${level}`} data-test="verdict" data-level={level} aria-live="polite">
      <LevelIcon level={level} />
      <div>
        {/* The recorder's own sentence may begin with the word. */}
        {!sentence.startsWith(word) && <strong>{word}</strong>}
        <p>{sentence}</p>
      </div>
    </section>
  );
}

interface ButtonProps extends Children {
  readonly test: string;
  readonly kind?: 'main' | 'plain' | 'danger';
  readonly isBusy?: boolean;
  readonly busyText?: string;
  readonly isDisabled?: boolean;
  readonly label?: string;
  onPress?(): void;
}

/** A button; one without `onPress` submits the form it stands in. Busy ones stay focusable and do nothing. */
export function Button({ test, kind = 'plain', isBusy = false, busyText, isDisabled = false, label, onPress, children }: ButtonProps) {
  return (
    <button
      type={onPress === undefined ? 'submit' : 'button'}
      class={`button button-${kind}`}
      data-test={test}
      disabled={isDisabled}
      aria-disabled={isBusy}
      aria-busy={isBusy}
      aria-label={label}
      onClick={(event) => {
        if (isBusy) event.preventDefault();
        else onPress?.();
      }}
    >
      {isBusy ? (busyText ?? children) : children}
    </button>
  );
}

/** A link that looks like a button. */
export function ButtonLink({
  test,
  to,
  kind = 'plain',
  children,
}: Children & { readonly test: string; readonly to: string; readonly kind?: string }) {
  return (
    <a class={`button button-${kind}`} data-test={test} href={to}>
      {children}
    </a>
  );
}

interface FieldProps {
  readonly test: string;
  readonly label: string;
  readonly value: string;
  readonly hint?: string | undefined;
  readonly error?: string | undefined;
  readonly type?: 'text' | 'email' | 'password' | 'date';
  readonly inputMode?: 'numeric' | 'text';
  readonly autoComplete?: 'off' | 'name' | 'email' | 'organization' | 'new-password' | 'current-password';
  readonly maxLength?: number;
  /** Offered values; others may be typed. */
  readonly offers?: readonly string[];
  onValue(value: string): void;
}

/** JSX types a password field and a field with offers as two different elements; here one component makes both. */
const inputKind = (type: string): { type: 'text' } => ({ type: type as 'text' });

/** A labelled text field with a hint and an error that are read out with it. */
export function Field({
  test,
  label,
  value,
  hint,
  error,
  type = 'text',
  inputMode,
  autoComplete = 'off',
  maxLength,
  offers,
  onValue,
}: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        data-test={test}
        {...inputKind(type)}
        value={value}
        autocomplete={autoComplete}
        autocapitalize="off"
        spellcheck={false}
        {...(inputMode === undefined ? {} : { inputMode })}
        {...(maxLength === undefined ? {} : { maxLength })}
        {...(offers === undefined ? {} : { list: `${id}-offers` })}
        aria-invalid={error !== undefined}
        aria-describedby={`${id}-help`}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
      {offers !== undefined && (
        <datalist id={`${id}-offers`}>
          {offers.map((offer) => (
            <option key={offer} value={offer} />
          ))}
        </datalist>
      )}
      <p id={`${id}-help`} class={error === undefined ? 'hint' : 'field-error'} role={error === undefined ? undefined : 'alert'}>
        {error ?? hint}
      </p>
    </div>
  );
}

interface SelectProps<T extends string> {
  readonly test: string;
  readonly label: string;
  readonly value: T;
  readonly options: readonly (readonly [T, string])[];
  onValue(value: T): void;
}

/** A labelled choice of one. */
export function Select<T extends string>({ test, label, value, options, onValue }: SelectProps<T>) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} data-test={test} value={value} onChange={(event) => onValue(event.currentTarget.value as T)}>
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

interface CheckProps {
  readonly test: string;
  readonly label: ComponentChildren;
  readonly isChecked: boolean;
  readonly isDisabled?: boolean;
  onChange(isChecked: boolean): void;
}

/** A labelled tick box; the whole line is the target. */
export function Check({ test, label, isChecked, isDisabled = false, onChange }: CheckProps) {
  return (
    <label class="check">
      <input
        type="checkbox"
        data-test={test}
        checked={isChecked}
        disabled={isDisabled}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <span>{label}</span>
    </label>
  );
}

interface ChoiceProps {
  readonly test: string;
  /** The same for all of a group. */
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  readonly isChosen: boolean;
  onChoose(): void;
}

/** One of a group of which one counts; the whole block is the target. */
export function Choice({ test, name, label, hint, isChosen, onChoose }: ChoiceProps) {
  return (
    <label class="check">
      <input type="radio" name={name} data-test={test} checked={isChosen} onChange={onChoose} />
      <span>
        {label}
        {hint !== undefined && <span class="hint block">{hint}</span>}
      </span>
    </label>
  );
}

/** What went wrong, why, what to do, and the code last and small. */
export function Problem({ error, onRetry, test = 'problem' }: { readonly error: Reason; readonly test?: string; onRetry?(): void }) {
  return (
    <div class="problem" role="alert" data-test={test} data-code={error.code}>
      <p class="problem-say">{error.say}</p>
      {error.fix !== '' && <p>{error.fix}</p>}
      <p class="code">{t.code(error.code)}</p>
      {onRetry !== undefined && (
        <Button test={`${test}-retry`} onPress={onRetry}>
          {t.retry}
        </Button>
      )}
    </div>
  );
}

/** A quiet confirmation, spoken when it appears. */
export function Done({ children, test = 'done' }: Children & { readonly test?: string }) {
  return (
    <p class="done" role="status" data-test={test}>
      <LevelIcon level="ok" /> {children}
    </p>
  );
}

/** Grey bars instead of content, but only when it takes longer than 300 ms: quick answers must not flicker. */
export function Skeleton({ lines = 3 }: { readonly lines?: number }) {
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), 300);
    return () => clearTimeout(timer);
  }, []);
  if (!isShown) return <div class="skeleton-space" />;
  return (
    <div class="skeleton" role="status">
      <span class="sr-only">{t.asking}</span>
      {Array.from({ length: lines }, (_unused, at) => (
        <div key={at} class="skeleton-line" />
      ))}
    </div>
  );
}

/** Why a list is empty and what will change that. */
export function Empty({ title, hint, children }: Children & { readonly title: string; readonly hint?: string }) {
  return (
    <div class="empty" data-test="empty">
      <p>
        <strong>{title}</strong>
      </p>
      {hint !== undefined && <p>{hint}</p>}
      {children}
    </div>
  );
}

/** A moment, relative, with the exact one on hover and for screen readers. */
export function When({ at }: { readonly at: number }) {
  const { now } = useApp();
  const full = exactMoment(at);
  return (
    <time dateTime={new Date(at).toISOString()} title={full}>
      <span aria-hidden="true">{ago(at, now.value)}</span>
      <span class="sr-only">{full}</span>
    </time>
  );
}

/** A titled part of a page. */
export function Card({ title, test, children }: Children & { readonly title?: string; readonly test?: string }) {
  return (
    <section class="card" data-test={test}>
      {title !== undefined && <h2>{title}</h2>}
      {children}
    </section>
  );
}

/** Rows of term and value. */
export function Facts({ rows }: { readonly rows: readonly (readonly [string, ComponentChildren, string?])[] }) {
  return (
    <dl class="facts">
      {rows.map(([term, value, test]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd data-test={test}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
