import { useState } from 'preact/hooks';
import { isPin, newOrganisation, type OrganisationRecord, signIn } from '../../client/organisation.js';
import { emailError, nameError, readSerial, serialError } from '../field-rules.js';
import { Button, ButtonLink, Empty, Field, Problem } from '../parts/basics.js';
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

function SetUpPage() {
  const app = useApp();
  const [company, setCompany] = useState('');
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [pin, setPin] = useState('');
  const [again, setAgain] = useState('');
  const [isTried, setTried] = useState(false);
  const act = useAct();
  const errors = {
    company: nameError(company, t.errorCompany),
    name: nameError(name),
    email: emailError(email),
    pin: isPin(pin) ? undefined : t.errorPin,
    again: pin === again ? undefined : t.errorPinAgain,
  };
  const shown = isTried ? errors : undefined;
  const submit = (event: Event): void => {
    event.preventDefault();
    setTried(true);
    if (Object.values(errors).some((error) => error !== undefined)) return;
    act.run(async () => {
      const record = await newOrganisation({ company: company.trim(), person: { name: name.trim(), email: email.trim() }, pin });
      const keys = await signIn(record, pin, Date.now());
      await app.saveOrganisation(record);
      await app.setSignedIn(keys);
    });
  };
  return (
    <Shell title={t.setupTitle} back={{ to: href(), label: t.home }}>
      <form class="form" noValidate data-test="setup" onSubmit={submit}>
        <p>{t.setupIntro}</p>
        <Field
          test="setup-company"
          label={t.setupCompany}
          value={company}
          error={shown?.company}
          autoComplete="organization"
          onValue={setCompany}
        />
        <Field test="setup-name" label={t.fieldName} value={name} error={shown?.name} autoComplete="name" onValue={setName} />
        <Field
          test="setup-email"
          label={t.fieldEmail}
          type="email"
          value={email}
          error={shown?.email}
          autoComplete="email"
          onValue={setEmail}
        />
        <Field
          test="setup-pin"
          label={t.setupPin}
          hint={t.setupPinHint}
          type="password"
          inputMode="numeric"
          value={pin}
          error={shown?.pin}
          autoComplete="new-password"
          onValue={setPin}
        />
        <Field
          test="setup-pin-again"
          label={t.setupPinAgain}
          type="password"
          inputMode="numeric"
          value={again}
          error={shown?.again}
          autoComplete="new-password"
          onValue={setAgain}
        />
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
    act.run(async () => app.setSignedIn(await signIn(record, pin, Date.now())));
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
