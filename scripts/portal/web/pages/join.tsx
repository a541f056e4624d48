import { useState } from 'preact/hooks';
import { type AgentError, asAgentError } from '../../../../agent/kernel/errors.js';
import { type AddedTo, type Handed, readJoin } from '../../client/handed-text.js';
import { guessDeviceName, readDelegation } from '../../client/owner-devices.js';
import { nameError } from '../field-rules.js';
import { moment } from '../format.js';
import { Button, Card, Field, Problem } from '../parts/basics.js';
import { OwnKey } from '../parts/own-key.js';
import { Shell } from '../parts/shell.js';
import { TakeText } from '../parts/take-text.js';
import { href, type Path, replace } from '../router.js';
import type { AppState } from '../state/app-state.js';
import { useApp } from '../state/context.js';
import { joinAdded, joinByLink, joinOnSite } from '../state/ownership-acts.js';
import { useAct } from '../state/use-act.js';
import { tt } from '../trust-words.js';
import { t } from '../words.js';

/** What the address carries, or why it cannot be read; undefined when it carries nothing. */
export function readAddress<T>(rest: Path, read: (text: string) => T): { read?: T; error?: AgentError } {
  if (rest.length === 0) return {};
  try {
    return { read: read(location.hash) };
  } catch (thrown) {
    const say = 'This link cannot be read.';
    return { error: asAgentError(thrown, { code: 'portal.unreadable', say, fix: 'Make a new one.' }) };
  }
}

const readJoinText = (text: string): Handed | AddedTo => {
  const read = readJoin(text);
  if ('statement' in read) readDelegation(read);
  return read;
};

/** A device that is to become one of the owner's: by the link in the address, by one that is scanned or pasted, or by its own key. */
export function JoinPage({ rest }: { readonly rest: Path }) {
  const address = readAddress(rest, readJoinText);
  const [read, setRead] = useState(address.read);
  return (
    <Shell title={tt.joinTitle} back={{ to: href('own'), label: t.ownTitle }}>
      {address.error !== undefined && read === undefined && <Problem error={address.error} test="join-problem" />}
      {read === undefined && <Waiting onRead={setRead} />}
      {read !== undefined && ('statement' in read ? <Joining handed={read} /> : <Added to={read} />)}
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

function Waiting({ onRead }: { onRead(read: Handed | AddedTo): void }) {
  const { onSite } = useApp().services;
  return (
    <>
      <Card title={tt.joinWaitTitle}>
        <p>{tt.joinWaitIntro}</p>
        <TakeText test="join" label={tt.pasteLabel} read={readJoinText} onRead={onRead} />
      </Card>
      <details class="card">
        <summary>{tt.joinOwnTitle}</summary>
        <p>{tt.joinOwnIntro}</p>
        <OwnKey what={tt.joinTitle} />
        {onSite !== undefined && <Look serial={onSite.serial} hint={tt.joinOnSite} join={joinOnSite} />}
      </details>
    </>
  );
}

/** The owner's other device has added this one's key, and says at which recorder. */
function Added({ to }: { readonly to: AddedTo }) {
  return <Look serial={to.serial} hint={tt.joinAdded(to.serial)} join={(app) => joinAdded(app, to)} />;
}

interface LookProps {
  readonly serial: string;
  readonly hint: string;
  join(app: AppState): Promise<void>;
}

/** Added elsewhere: the recorder is asked whether it knows this device. */
function Look({ serial, hint, join }: LookProps) {
  const app = useApp();
  const act = useAct();
  const look = (): void =>
    act.run(async () => {
      await join(app);
      replace('own', serial);
    });
  return (
    <>
      <p>{hint}</p>
      {act.error !== undefined && <Problem error={act.error} test="join-problem" />}
      <Button test="join-look" kind="main" isBusy={act.isBusy} busyText={tt.joinDoing} onPress={look}>
        {tt.joinLook}
      </Button>
    </>
  );
}
