import { useState } from 'preact/hooks';
import { type AgentError, asAgentError } from '../../../../agent/kernel/errors.js';
import { type Handed, readHanded } from '../../client/handed-text.js';
import { guessDeviceName, readDelegation } from '../../client/owner-devices.js';
import { nameError, readSerial, serialError } from '../field-rules.js';
import { moment } from '../format.js';
import { Button, Card, Field, Problem } from '../parts/basics.js';
import { OwnKey } from '../parts/own-key.js';
import { Shell } from '../parts/shell.js';
import { TakeText } from '../parts/take-text.js';
import { href, type Path, replace } from '../router.js';
import { useApp } from '../state/context.js';
import { joinByLink, joinBySerial } from '../state/ownership-acts.js';
import { useAct } from '../state/use-act.js';
import { tt } from '../trust-words.js';
import { t } from '../words.js';

/** What the address carries, or why it cannot be read; undefined when it carries nothing. */
export function readAddress(kind: 'join' | 'take', rest: Path): { handed?: Handed; error?: AgentError } {
  if (rest.length === 0) return {};
  try {
    return { handed: readHanded(kind, `#/${kind}/${rest.join('/')}`) };
  } catch (thrown) {
    const say = 'This link cannot be read.';
    return { error: asAgentError(thrown, { code: 'portal.unreadable', say, fix: 'Make a new one.' }) };
  }
}

const readJoinText = (text: string): Handed => {
  const handed = readHanded('join', text);
  readDelegation(handed);
  return handed;
};

/** A device that is to become one of the owner's: by the link in the address, by one that is scanned or pasted, or by its own key. */
export function JoinPage({ rest }: { readonly rest: Path }) {
  const address = readAddress('join', rest);
  const [handed, setHanded] = useState<Handed | undefined>(address.handed);
  return (
    <Shell title={tt.joinTitle} back={{ to: href('own'), label: t.ownTitle }}>
      {address.error !== undefined && handed === undefined && <Problem error={address.error} test="join-problem" />}
      {handed === undefined ? <Waiting onHanded={setHanded} /> : <Joining handed={handed} />}
    </Shell>
  );
}

function Joining({ handed }: { readonly handed: Handed }) {
  const app = useApp();
  const [name, setName] = useState(guessDeviceName(navigator.userAgent));
  const act = useAct();
  const problem = nameError(name, tt.errorDevice);
  const { exp } = readDelegation(handed);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (problem !== undefined) return;
    act.run(async () => {
      await joinByLink(app, handed, name.trim());
      // The link has done its work and does not stay in the history.
      replace('own', handed.serial);
    });
  };
  return (
    <form class="form" noValidate data-test="join" onSubmit={submit}>
      <p>{tt.joinIntro(handed.serial)}</p>
      <Field test="join-name" label={tt.deviceName} hint={tt.deviceNameHint} value={name} error={problem} onValue={setName} />
      <p class="hint">{tt.joinUntil(moment(exp, app.now.value))}</p>
      {act.error !== undefined && <Problem error={act.error} test="join-problem" />}
      <Button test="join-do" kind="main" isBusy={act.isBusy} busyText={tt.joinDoing}>
        {tt.joinDo}
      </Button>
    </form>
  );
}

function Waiting({ onHanded }: { onHanded(handed: Handed): void }) {
  return (
    <>
      <Card title={tt.joinWaitTitle}>
        <p>{tt.joinWaitIntro}</p>
        <TakeText test="join" label={tt.pasteLabel} read={readJoinText} onRead={onHanded} />
      </Card>
      <details class="card">
        <summary>{tt.joinOwnTitle}</summary>
        <p>{tt.joinOwnIntro}</p>
        <OwnKey what={tt.joinTitle} />
        <BySerial />
      </details>
    </>
  );
}

/** Added elsewhere: the recorder is asked whether it knows this device. */
function BySerial() {
  const app = useApp();
  const [serial, setSerial] = useState(app.services.onSite?.serial ?? '');
  const [isTried, setTried] = useState(false);
  const act = useAct();
  const submit = (event: Event): void => {
    event.preventDefault();
    setTried(true);
    if (serialError(serial) !== undefined) return;
    const read = readSerial(serial);
    act.run(async () => {
      await joinBySerial(app, read);
      replace('own', read);
    });
  };
  return (
    <form class="form" noValidate onSubmit={submit}>
      <Field
        test="join-serial"
        label={t.fieldSerial}
        hint={tt.joinOwnDone}
        value={serial}
        error={isTried ? serialError(serial) : undefined}
        onValue={setSerial}
      />
      {act.error !== undefined && <Problem error={act.error} test="join-problem" />}
      <Button test="join-look" isBusy={act.isBusy} busyText={tt.joinLooking}>
        {tt.joinLook}
      </Button>
    </form>
  );
}
