import { useState } from 'preact/hooks';
import type { Person } from '../../../../agent/contract/statements.js';
import { guessDeviceName } from '../../client/owner-devices.js';
import { emailError, nameError } from '../field-rules.js';
import type { Act } from '../state/use-act.js';
import { tt } from '../trust-words.js';
import { t } from '../words.js';
import { Button, Check, Field, Problem } from './basics.js';

/** What a new owner types. */
export interface ConsentPart {
  readonly person: Person;
  readonly site: string;
  readonly deviceName: string;
}

interface ConsentFormProps {
  /** Marks are `<test>-name`, `<test>-email` and so on. */
  readonly test: string;
  readonly act: Act;
  /** The site has a name already. */
  readonly hasSite?: boolean;
  readonly doText: string;
  readonly busyText: string;
  onFinish(part: ConsentPart): void;
  onStartOver?(): void;
}

const FIELDS = [
  { name: 'name', label: t.fieldName, autoComplete: 'name' },
  { name: 'email', label: t.fieldEmail, type: 'email', autoComplete: 'email' },
  { name: 'site', label: t.pairSite, hint: t.pairSiteHint },
  { name: 'device', label: tt.deviceName, hint: tt.deviceNameHint },
] as const;

/** Name, e-mail address, site, name of this device, and the tick that says “I agree”. */
export function ConsentForm({ test, act, hasSite = false, doText, busyText, onFinish, onStartOver }: ConsentFormProps) {
  const [form, setForm] = useState({ name: '', email: '', site: '', device: guessDeviceName(navigator.userAgent) });
  const [isAgreed, setAgreed] = useState(false);
  const [isTried, setTried] = useState(false);
  const errors = {
    name: nameError(form.name),
    email: emailError(form.email),
    site: hasSite ? undefined : nameError(form.site, t.errorSite),
    device: nameError(form.device, tt.errorDevice),
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    setTried(true);
    if (!isAgreed || Object.values(errors).some((error) => error !== undefined)) return;
    const { name, email, site, device } = form;
    onFinish({ person: { name: name.trim(), email: email.trim() }, site: site.trim(), deviceName: device.trim() });
  };
  return (
    <form class="form" noValidate data-test={test} onSubmit={submit}>
      {FIELDS.filter(({ name }) => !(hasSite && name === 'site')).map(({ name, ...field }) => (
        <Field
          key={name}
          test={`${test}-${name}`}
          {...field}
          value={form[name]}
          error={isTried ? errors[name] : undefined}
          onValue={(value) => setForm({ ...form, [name]: value })}
        />
      ))}
      <Check test={`${test}-agree`} label={t.pairAgree} isChecked={isAgreed} onChange={setAgreed} />
      {isTried && !isAgreed && (
        <p class="field-error" role="alert">
          {t.pairMustAgree}
        </p>
      )}
      {act.error !== undefined && (
        <Problem error={act.error} test={`${test}-problem`} {...(onStartOver === undefined ? {} : { onRetry: onStartOver })} />
      )}
      <Button test={`${test}-finish`} kind="main" isBusy={act.isBusy} busyText={busyText}>
        {doText}
      </Button>
    </form>
  );
}
