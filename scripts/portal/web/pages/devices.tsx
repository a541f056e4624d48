import { useState } from 'preact/hooks';
import { DELEGATION_MAX_MS } from '../../../../agent/contract/statements.js';
import type { PermissionsInfo } from '../../../../agent/contract/views.js';
import { addedLink, handedLink, keyText, readKeyText } from '../../client/handed-text.js';
import { addDevice, readDelegation, removeDevice } from '../../client/owner-devices.js';
import { nameError } from '../field-rules.js';
import { countdown } from '../format.js';
import { Button, Card, Done, Empty, Field, Problem, When } from '../parts/basics.js';
import { Loaded } from '../parts/loaded.js';
import { ShowText } from '../parts/show-text.js';
import { TakeText } from '../parts/take-text.js';
import { pageAddress } from '../router.js';
import { useApp } from '../state/context.js';
import { identityOf, makeJoinText } from '../state/ownership-acts.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { useAnswer } from '../state/use-answer.js';
import { tt } from '../trust-words.js';
import { t } from '../words.js';

type Device = PermissionsInfo['devices'][number];

/** The owner's devices: which there are, taking one's right away, and adding one. */
export function DevicesPage({ session }: { readonly session: RecorderSession }) {
  const permissions = useAnswer(session, 'permissions.list', {}, { on: ['permissions'], everyMs: 30_000 });
  const [news, setNews] = useState<string>();
  const tell = (sentence: string): void => {
    setNews(sentence);
    permissions.reload();
  };
  return (
    <>
      <p class="hint">{tt.devicesIntro}</p>
      <div aria-live="polite">{news !== undefined && <Done test="device-news">{news}</Done>}</div>
      <Loaded answer={permissions}>
        {({ devices }) => (
          <Card title={tt.devicesTitle} test="devices">
            {devices.length === 0 && <Empty title={t.unknown} />}
            <ul class="list">
              {devices.map((device) => (
                <DeviceRow key={device.kid} session={session} device={device} isLast={devices.length === 1} onRemoved={tell} />
              ))}
            </ul>
            {devices.length === 1 && <p class="hint">{tt.deviceLast}</p>}
          </Card>
        )}
      </Loaded>
      <AddByLink session={session} />
      <AddByKey session={session} onAdded={tell} />
    </>
  );
}

interface DeviceRowProps {
  readonly session: RecorderSession;
  readonly device: Device;
  readonly isLast: boolean;
  onRemoved(sentence: string): void;
}

/** One device. Removing asks once more, in other words; the row stays until the recorder has confirmed. */
function DeviceRow({ session, device, isLast, onRemoved }: DeviceRowProps) {
  const [isAsked, setAsked] = useState(false);
  const act = useAct();
  const remove = (): void =>
    act.run(async () => {
      await removeDevice(session.link, device.kid);
      setAsked(false);
      onRemoved(tt.deviceRemoved(device.name));
    });
  return (
    <li class="row" data-test="device" data-kid={device.kid} data-this={device.isThis}>
      <span>
        <strong>{device.name}</strong>
        {device.isThis && <span class="tag">{tt.deviceThis}</span>}
        <span class="hint block">
          {tt.deviceAdded} <When at={device.addedAt} />
        </span>
      </span>
      {!isLast && !isAsked && (
        <Button test="device-remove" kind="danger" label={`${tt.deviceRemove}: ${device.name}`} onPress={() => setAsked(true)}>
          {tt.deviceRemove}
        </Button>
      )}
      {isAsked && (
        <div class="confirm">
          <p>
            {tt.deviceRemoveHint} {device.isThis && tt.deviceRemoveSelfHint}
          </p>
          {act.error !== undefined && <Problem error={act.error} test="devices-problem" />}
          <div class="actions">
            <Button test="device-remove-sure" kind="danger" isBusy={act.isBusy} busyText={tt.deviceRemoving} onPress={remove}>
              {tt.deviceRemoveSure(device.name)}
            </Button>
            <Button test="device-remove-cancel" onPress={() => setAsked(false)}>
              {t.cancel}
            </Button>
          </div>
        </div>
      )}
    </li>
  );
}

/** A code that the new device reads. */
function AddByLink({ session }: { readonly session: RecorderSession }) {
  const app = useApp();
  const act = useAct();
  const [made, setMade] = useState<{ readonly link: string; readonly endsAt: number }>();
  const make = (): void =>
    act.run(async () => {
      const handed = await makeJoinText(app, session);
      const { iat, exp } = readDelegation(handed);
      // How long it is good is told by the recorder's clock; how much of it is left, by this device's.
      setMade({ link: handedLink(pageAddress(), 'join', handed), endsAt: Date.now() + exp - iat });
    });
  // The page's clock ticks every few seconds: it may still show a moment before the code was made.
  const left = made === undefined ? 0 : Math.min(made.endsAt - app.now.value, DELEGATION_MAX_MS);
  return (
    <Card title={tt.deviceAdd}>
      <p>{tt.deviceAddIntro}</p>
      {act.error !== undefined && <Problem error={act.error} />}
      {made !== undefined && left > 0 && (
        <>
          <ShowText test="add-link" what={tt.deviceAdd} text={made.link} label={tt.qrLink} />
          <p class="hint">{tt.deviceAddLeft(countdown(left))}</p>
        </>
      )}
      {made !== undefined && left <= 0 && <p role="status">{tt.deviceAddOver}</p>}
      <Button test="device-add" kind={made === undefined ? 'main' : 'plain'} isBusy={act.isBusy} busyText={t.asking} onPress={make}>
        {made === undefined ? tt.deviceAddMake : tt.deviceAddAgain}
      </Button>
    </Card>
  );
}

/** The other way round: the new device shows its key, this one adds it, and then tells it which recorder it belongs to. */
function AddByKey({ session, onAdded }: { readonly session: RecorderSession; onAdded(sentence: string): void }) {
  const [key, setKey] = useState<ReturnType<typeof readKeyText>>();
  const [name, setName] = useState('');
  const [isTried, setTried] = useState(false);
  const [link, setLink] = useState<string>();
  const act = useAct();
  const problem = nameError(name, tt.errorDevice);
  const submit = (event: Event): void => {
    event.preventDefault();
    setTried(true);
    if (key === undefined || problem !== undefined) return;
    act.run(async () => {
      await addDevice(session.link, key, name.trim());
      setLink(addedLink(pageAddress(), await identityOf(session)));
      onAdded(tt.deviceAddDone(name.trim()));
      setKey(undefined);
      setName('');
      setTried(false);
    });
  };
  return (
    <details class="card" data-test="add-by-key">
      <summary>{tt.deviceAddOther}</summary>
      <p class="hint">{tt.deviceAddOtherHint}</p>
      {key === undefined ? (
        <TakeText test="key" label={tt.deviceKeyLabel} read={readKeyText} onRead={setKey} />
      ) : (
        <form class="form" noValidate onSubmit={submit}>
          <p class="code">{keyText(key).slice(0, 24)}…</p>
          <Field test="key-name" label={tt.deviceKeyName} value={name} error={isTried ? problem : undefined} onValue={setName} />
          {act.error !== undefined && <Problem error={act.error} test="devices-problem" />}
          <Button test="key-add" kind="main" isBusy={act.isBusy} busyText={t.asking}>
            {tt.deviceKeyDo}
          </Button>
        </form>
      )}
      {link !== undefined && key === undefined && (
        <>
          <p>{tt.deviceAddedNext}</p>
          <ShowText test="added-link" what={tt.deviceAdd} text={link} label={tt.qrLink} />
        </>
      )}
    </details>
  );
}
