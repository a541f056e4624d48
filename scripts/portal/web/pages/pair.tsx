import { useEffect, useRef, useState } from 'preact/hooks';
import { formatCode, readCode } from '../../../../agent/contract/code.js';
import type { Consent } from '../../../../agent/contract/statements.js';
import type { PairingAttempt } from '../../client/pair.js';
import { readSerial, serialError } from '../field-rules.js';
import { Button, Choice, Done, Field, Problem } from '../parts/basics.js';
import { ConsentForm, type ConsentPart } from '../parts/consent-form.js';
import { ConsentText, OperatorCard } from '../parts/consent-text.js';
import { LabelScanner } from '../parts/label-scanner.js';
import { Shell } from '../parts/shell.js';
import { go, href } from '../router.js';
import { useApp } from '../state/context.js';
import { finishPairing } from '../state/finish-pairing.js';
import { tellable } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { tt } from '../trust-words.js';
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
  const [serial, setSerial] = useState(services.onSite?.serial ?? '');
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

/** As what somebody comes, what they agree to and with whom, and who they are. */
function ConsentStep({ proven, onStartOver }: { readonly proven: Proven; onStartOver(): void }) {
  const app = useApp();
  const [role, setRole] = useState<Consent['role']>('owner');
  const act = useAct();
  const { serial, attempt } = proven;
  const isJoining = attempt.purpose === 'join';
  const finish = ({ person, site, deviceName }: ConsentPart): void =>
    act.run(async () => {
      await finishPairing(app, attempt, { serial, person, deviceName, role, site: isJoining ? serial : site });
      go('own', serial);
    });
  return (
    <>
      <Done test="pair-right">{t.pairRight}</Done>
      {isJoining ? <p data-test="pair-join">{tt.joinQuestion}</p> : <RoleChoice role={role} onRole={setRole} />}
      <OperatorCard operator={attempt.operator} />
      <ConsentText isHeld={!isJoining && role === 'installer'} />
      <ConsentForm
        test="consent"
        act={act}
        hasSite={isJoining}
        doText={isJoining ? tt.joinDo : role === 'owner' ? t.pairFinish : t.pairFinishHeld}
        busyText={t.pairFinishing}
        onFinish={finish}
        onStartOver={onStartOver}
      />
    </>
  );
}

function RoleChoice({ role, onRole }: { readonly role: Consent['role']; onRole(role: Consent['role']): void }) {
  return (
    <fieldset class="part">
      <legend>{tt.roleQuestion}</legend>
      <Choice
        test="role-owner"
        name="role"
        label={tt.roleOwner}
        hint={tt.roleOwnerHint}
        isChosen={role === 'owner'}
        onChoose={() => onRole('owner')}
      />
      <Choice
        test="role-installer"
        name="role"
        label={tt.roleInstaller}
        hint={tt.roleInstallerHint}
        isChosen={role === 'installer'}
        onChoose={() => onRole('installer')}
      />
    </fieldset>
  );
}
