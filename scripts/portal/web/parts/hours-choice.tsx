import { useId } from 'preact/hooks';
import { type HoursForm, isOvernight, nameOfDay, WEEK, WORKING_HOURS } from '../hours.js';
import { tt } from '../trust-words.js';
import { Check, Choice } from './basics.js';

interface HoursChoiceProps {
  /** Null: at any hour. */
  readonly form: HoursForm | null;
  readonly zone: string;
  onForm(form: HoursForm | null): void;
}

/** At any hour, or only in a window on some days of the week. */
export function HoursChoice({ form, zone, onForm }: HoursChoiceProps) {
  const group = useId();
  return (
    <fieldset class="part">
      <legend>{tt.hoursTitle}</legend>
      <Choice test="hours-any" name={group} label={tt.hoursAny} isChosen={form === null} onChoose={() => onForm(null)} />
      <Choice test="hours-some" name={group} label={tt.hoursSome} isChosen={form !== null} onChoose={() => onForm(form ?? WORKING_HOURS)} />
      {form !== null && (
        <>
          <fieldset class="days">
            <legend class="sr-only">{tt.hoursDays}</legend>
            {WEEK.map((day) => (
              <Check
                key={day}
                test={`hours-day-${day}`}
                label={nameOfDay(day)}
                isChecked={form.days.includes(day)}
                onChange={(isOn) => onForm({ ...form, days: isOn ? [...form.days, day] : form.days.filter((other) => other !== day) })}
              />
            ))}
          </fieldset>
          <div class="times">
            <Time test="hours-from" label={tt.hoursFrom} value={form.from} onValue={(from) => onForm({ ...form, from })} />
            <Time test="hours-to" label={tt.hoursTo} value={form.to} onValue={(to) => onForm({ ...form, to })} />
          </div>
          <p class="hint">
            {tt.hoursZone(zone)} {isOvernight(form) && tt.hoursOvernight}
          </p>
        </>
      )}
    </fieldset>
  );
}

interface TimeProps {
  readonly test: string;
  readonly label: string;
  readonly value: string;
  onValue(value: string): void;
}

function Time({ test, label, value, onValue }: TimeProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input id={id} data-test={test} type="time" value={value} onInput={(event) => onValue(event.currentTarget.value)} />
    </div>
  );
}
