import '../first-view.js';
import { useState } from 'preact/hooks';
import { isPin, newOrganisation, type OrganisationRecord, renewKeys, signIn } from '../../client/organisation.js';
import { emailError, nameError, readSerial, serialError } from '../field-rules.js';
import { Button, ButtonLink, Empty, Field, Problem } from '../parts/basics.js';
import { lazy } from '../parts/lazy.js';
import { Shell } from '../parts/shell.js';
import { go, href } from '../router.js';
import { useApp } from '../state/context.js';
import { useAct } from '../state/use-act.js';
import { t } from '../words.js';

/** Set-up, sign-in, or what `children` shows: an installer's pages need the keys that the PIN unlocks. */
export function SignedInOnly({ children }: { children(): preact.ComponentChildren }) {
  const { organisation, signedIn } = useApp();
  if (organisation.value === undefined) return <SetUpPage />;
  if (signedIn.value === undefined) return <SignInPage record={organisation.value} />;
  return <>{children()}</>;
}

const BadgeCard = lazy(async () => (await import('../parts/badge-card.js')).BadgeCard);

const SETUP_FIELDS = [
  { name: 'company', label: t.setupCompany, autoComplete: 'organization' },
  { name: 'name', label: t.fieldName, autoComplete: 'name' },
  { name: 'email', label: t.fieldEmail, type: 'email', autoComplete: 'email' },
  { name: 'pin', label: t.setupPin, hint: t.setupPinHint, type: 'password', inputMode: 'numeric', autoComplete: 'new-password' },
  { name: 'pin-again', label: t.setupPinAgain, type: 'password', inputMode: 'numeric', autoComplete: 'new-password' },
] as const;
type SetUpForm = Record<(typeof SETUP_FIELDS)[number]['name'], string>;

function setUpErrors(form: SetUpForm): { [Name in keyof SetUpForm]: string | undefined } {
  return {
    company: nameError(form.company, t.errorCompany),
    name: nameError(form.name),
    email: emailError(form.email),
    pin: isPin(form.pin) ? undefined : t.errorPin,
    'pin-again': form.pin === form['pin-again'] ? undefined : t.errorPinAgain,
  };
}

function SetUpPage() {
  const app = useApp();
  const [form, setForm] = useState<SetUpForm>({ company: '', name: '', email: '', pin: '', 'pin-again': '' });
  const [isTried, setTried] = useState(false);
  const act = useAct();
  const errors = isTried ? setUpErrors(form) : undefined;
  const set = (name: keyof SetUpForm, value: string): void => setForm({ ...form, [name]: value });
  const submit = (event: Event): void => {
    event.preventDefault();
    setTried(true);
    if (Object.values(setUpErrors(form)).some((error) => error !== undefined)) return;
    act.run(async () => {
      const person = { name: form.name.trim(), email: form.email.trim() };
      const record = await newOrganisation({ company: form.company.trim(), person, pin: form.pin });
      const keys = await signIn(record, form.pin, Date.now());
      await app.saveOrganisation(record);
      await app.setSignedIn(keys);
    });
  };
  return (
    <Shell title={t.setupTitle} back={{ to: href(), label: t.home }}>
      <form class="form" noValidate data-test="setup" onSubmit={submit}>
        <p>{t.setupIntro}</p>
        {SETUP_FIELDS.map(({ name, ...field }) => (
          <Field
            key={name}
            test={`setup-${name}`}
            {...field}
            value={form[name]}
            error={errors?.[name]}
            onValue={(value) => set(name, value)}
          />
        ))}
        {act.error !== undefined && <Problem error={act.error} />}
        <Button test="setup-do" kind="main" isBusy={act.isBusy} busyText={t.setupDoing}>
          {t.setupDo}
        </Button>
      </form>
    </Shell>
  );
}

function SignInPage({ record }: { readonly record: OrganisationRecord }) {
  const app = useApp();
  const [pin, setPin] = useState('');
  const act = useAct();
  const submit = (event: Event): void => {
    event.preventDefault();
    act.run(async () => {
      // Also tells a wrong PIN before anything is renewed with it.
      const keys = await signIn(record, pin, Date.now());
      const renewed = await renewKeys(record, pin);
      if (renewed !== record) await app.saveOrganisation(renewed);
      await app.setSignedIn(renewed === record ? keys : await signIn(renewed, pin, Date.now()));
    });
  };
  return (
    <Shell title={t.signInTitle(record.company)} subtitle={record.person.name} back={{ to: href(), label: t.home }}>
      <form class="form" noValidate data-test="sign-in" onSubmit={submit}>
        <Field
          test="sign-in-pin"
          label={t.setupPin}
          type="password"
          inputMode="numeric"
          value={pin}
          autoComplete="current-password"
          onValue={setPin}
        />
        {act.error !== undefined && <Problem error={act.error} test="sign-in-problem" />}
        <Button test="sign-in-do" kind="main" isBusy={act.isBusy} busyText={t.signInDoing}>
          {t.signInDo}
        </Button>
      </form>
    </Shell>
  );
}

/** The recorders this installer looks after. */
export function ServeHome() {
  const app = useApp();
  const { served, organisation } = app;
  const record = organisation.value;
  return (
    <Shell
      title={t.serveTitle}
      subtitle={record === undefined ? undefined : t.signedInAs(record.person.name, record.company)}
      back={{ to: href(), label: t.home }}
    >
      {served.value.length === 0 ? (
        <Empty title={t.serveEmpty} hint={t.serveEmptyHint} />
      ) : (
        <ul class="list" data-test="served">
          {served.value.map((recorder) => (
            <li key={recorder.serial}>
              <a class="row" href={href('serve', recorder.serial)} data-test={`open-${recorder.serial}`}>
                <strong>{recorder.site ?? t.serveUnnamed}</strong>
                <span class="mono">{recorder.serial}</span>
              </a>
            </li>
          ))}
        </ul>
      )}
      <div class="actions">
        <ButtonLink test="serve-add" to={href('serve', 'add')} kind="main">
          {t.serveAdd}
        </ButtonLink>
        <Button test="sign-out" onPress={() => void app.setSignedIn(undefined)}>
          {t.signOut}
        </Button>
      </div>
      {served.value.length > 0 && <BadgeCard />}
    </Shell>
  );
}

/** A recorder is added by its serial number alone; its owner decides what that is worth. */
export function ServeAdd() {
  const app = useApp();
  const [serial, setSerial] = useState('');
  const [isTried, setTried] = useState(false);
  const act = useAct();
  const submit = (event: Event): void => {
    event.preventDefault();
    setTried(true);
    if (serialError(serial) !== undefined) return;
    const read = readSerial(serial);
    act.run(async () => {
      if (!app.served.value.some((one) => one.serial === read)) await app.saveServed({ serial: read, deviceKey: null, site: null });
      go('serve', read, 'permissions');
    });
  };
  return (
    <Shell title={t.serveAdd} back={{ to: href('serve'), label: t.serveTitle }}>
      <form class="form" noValidate onSubmit={submit}>
        <p>{t.serveAddIntro}</p>
        <Field
          test="serve-serial"
          label={t.fieldSerial}
          hint={t.fieldSerialHint}
          value={serial}
          error={isTried ? serialError(serial) : undefined}
          onValue={setSerial}
        />
        {act.error !== undefined && <Problem error={act.error} />}
        <Button test="serve-add-do" kind="main" isBusy={act.isBusy}>
          {t.serveAddDo}
        </Button>
      </form>
    </Shell>
  );
}
