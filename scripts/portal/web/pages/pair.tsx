import { useEffect, useRef, useState } from 'preact/hooks';
import { formatCode, readCode } from '../../../../agent/contract/code.js';
import { CONSENT_TEXT } from '../../../../agent/contract/consent-text.js';
import type { PairingAttempt } from '../../client/pair.js';
import { emailError, nameError, readSerial, serialError } from '../field-rules.js';
import { Button, Card, Check, Done, Field, Problem } from '../parts/basics.js';
import { LabelScanner } from '../parts/label-scanner.js';
import { Shell } from '../parts/shell.js';
import { go, href } from '../router.js';
import { useApp } from '../state/context.js';
import { finishPairing } from '../state/finish-pairing.js';
import { tellable } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { t } from '../words.js';

interface Proven {
  readonly serial: string;
  readonly attempt: PairingAttempt;
}

/** Adding a recorder: the code, then the consent, then the keys are exchanged. */
export function PairPage() {
  const [proven, setProven] = useState<Proven>();
  const attempt = useRef<PairingAttempt | undefined>(undefined);
  // Leaving the page ends the exchange at the recorder's side too.
  useEffect(() => () => attempt.current?.cancel(), []);
  return (
    <Shell title={t.pairTitle} back={{ to: href('own'), label: t.ownTitle }}>
      {proven === undefined ? (
        <CodeStep
          onProven={(found) => {
            attempt.current = found.attempt;
            setProven(found);
          }}
        />
      ) : (
        <ConsentStep proven={proven} onStartOver={() => setProven(undefined)} />
      )}
    </Shell>
  );
}

function codeError(text: string): string | undefined {
  try {
    readCode(text);
    return undefined;
  } catch (error) {
    const { say, fix } = tellable(error);
    return `${say} ${fix}`;
  }
}

/** The button that opens the scanner, and the scanner. */
function Scanning({ onLabel }: { onLabel(label: { serial: string; code: string }): void }) {
  const [isOpen, setOpen] = useState(false);
  if (!isOpen) {
    return (
      <Button test="pair-scan" onPress={() => setOpen(true)}>
        {t.pairScan}
      </Button>
    );
  }
  return (
    <LabelScanner
      onClose={() => setOpen(false)}
      onLabel={(label) => {
        setOpen(false);
        onLabel(label);
      }}
    />
  );
}

function CodeStep({ onProven }: { onProven(proven: Proven): void }) {
  const { services } = useApp();
  const [serial, setSerial] = useState('');
  const [code, setCode] = useState('');
  const [isTried, setTried] = useState(false);
  const act = useAct();

  const check = (typedSerial: string, typedCode: string): void => {
    setTried(true);
    // A typing error is found here and uses up no try at the recorder.
    if (serialError(typedSerial) !== undefined || codeError(typedCode) !== undefined) return;
    const read = readSerial(typedSerial);
    act.run(async () => onProven({ serial: read, attempt: await services.pair(read, readCode(typedCode)) }));
  };
  const onLabel = (label: { serial: string; code: string }): void => {
    setSerial(label.serial);
    setCode(formatCode(label.code));
    check(label.serial, label.code);
  };

  return (
    <form
      class="form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        check(serial, code);
      }}
    >
      <p>{t.pairIntro}</p>
      <Scanning onLabel={onLabel} />
      <Field
        test="pair-serial"
        label={t.fieldSerial}
        hint={t.fieldSerialHint}
        value={serial}
        error={isTried ? serialError(serial) : undefined}
        onValue={setSerial}
      />
      <Field
        test="pair-code"
        label={t.pairCode}
        hint={t.pairCodeHint}
        value={code}
        error={isTried ? codeError(code) : undefined}
        onValue={(value) => {
          setCode(value);
          act.clear();
        }}
      />
      {act.error !== undefined && <Problem error={act.error} test="pair-problem" />}
      <Button test="pair-check" kind="main" isBusy={act.isBusy} busyText={t.pairChecking}>
        {t.pairCheck}
      </Button>
    </form>
  );
}

function ConsentText() {
  return (
    <Card title={CONSENT_TEXT.title} test="consent-text">
      {CONSENT_TEXT.paragraphs.map((paragraph) => (
        <p key={paragraph}>{paragraph}</p>
      ))}
    </Card>
  );
}

function ConsentStep({ proven, onStartOver }: { readonly proven: Proven; onStartOver(): void }) {
  const app = useApp();
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [site, setSite] = useState('');
  const [isAgreed, setAgreed] = useState(false);
  const [isTried, setTried] = useState(false);
  const act = useAct();
  const errors = { name: nameError(name), email: emailError(email), site: nameError(site, t.errorSite) };
  const shown = isTried ? errors : { name: undefined, email: undefined, site: undefined };

  const finish = (): void => {
    setTried(true);
    if (!isAgreed || Object.values(errors).some((error) => error !== undefined)) return;
    act.run(async () => {
      const person = { name: name.trim(), email: email.trim() };
      await finishPairing(app, proven.attempt, { serial: proven.serial, site: site.trim(), person });
      go('own', proven.serial);
    });
  };

  return (
    <form
      class="form"
      noValidate
      data-test="consent"
      onSubmit={(event) => {
        event.preventDefault();
        finish();
      }}
    >
      <Done test="pair-right">{t.pairRight}</Done>
      <ConsentText />
      <Field test="consent-name" label={t.fieldName} value={name} error={shown.name} autoComplete="name" onValue={setName} />
      <Field
        test="consent-email"
        label={t.fieldEmail}
        type="email"
        value={email}
        error={shown.email}
        autoComplete="email"
        onValue={setEmail}
      />
      <Field test="consent-site" label={t.pairSite} hint={t.pairSiteHint} value={site} error={shown.site} onValue={setSite} />
      <Check test="consent-agree" label={t.pairAgree} isChecked={isAgreed} onChange={setAgreed} />
      {isTried && !isAgreed && (
        <p class="field-error" role="alert">
          {t.pairMustAgree}
        </p>
      )}
      {act.error !== undefined && <Problem error={act.error} test="consent-problem" onRetry={onStartOver} />}
      <Button test="consent-finish" kind="main" isBusy={act.isBusy} busyText={t.pairFinishing}>
        {t.pairFinish}
      </Button>
    </form>
  );
}
