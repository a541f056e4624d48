import { useState } from 'preact/hooks';
import type { CameraInfo } from '../../../../agent/contract/views.js';
import { tc } from '../camera-texts.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { Button, Card, Check, Field, Problem } from './basics.js';

interface PasswordsProps {
  readonly session: RecorderSession;
  /** Those that refuse what they were tried with. */
  readonly cameras: readonly CameraInfo[];
  onTaken(): void;
}

/** One password for all cameras that are chosen: it is typed once, sent sealed, and tried at each at once. */
export function CameraPasswords({ session, cameras, onTaken }: PasswordsProps) {
  const [form, setForm] = useState({ user: '', password: '' });
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  // Tried with what was typed last: whoever is still here did not take it.
  const [tried, setTried] = useState<ReadonlySet<string>>(new Set());
  const act = useAct();
  const refusing = cameras.filter(({ id, reason }) => tried.has(id) && reason?.code !== 'cameras.no_login').length;
  const chosen = cameras.filter(({ id }) => !left.has(id));
  const use = async (): Promise<void> => {
    const { version } = await session.link.call('config.get', {});
    const patch = { cameras: Object.fromEntries(chosen.map(({ id }) => [id, { login: form }])) };
    await session.link.call('config.apply', { base: version, patch }, { timeoutMs: 60_000 });
    setTried(new Set(chosen.map(({ id }) => id)));
    setForm({ user: '', password: '' });
    onTaken();
  };
  return (
    <Card title={tc.login} test="camera-passwords">
      <p class="hint">{tc.loginHint}</p>
      <Choices cameras={cameras} left={left} onLeft={setLeft} />
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          act.run(use);
        }}
      >
        <Field test="password-user" label={tc.user} value={form.user} onValue={(user) => setForm({ ...form, user })} />
        <Field
          test="password-password"
          label={tc.password}
          type="password"
          autoComplete="new-password"
          value={form.password}
          onValue={(password) => setForm({ ...form, password })}
        />
        <Button
          test="password-do"
          kind="main"
          isBusy={act.isBusy}
          busyText={tc.loginTry}
          isDisabled={form.user === '' || chosen.length === 0 || !session.isReachable}
        >
          {tc.loginDo(chosen.length)}
        </Button>
        {refusing > 0 && !act.isBusy && (
          <p role="alert" class="field-error" data-test="password-refused">
            {tc.loginRefused(refusing)}
          </p>
        )}
        {act.error !== undefined && <Problem error={act.error} test="password-problem" />}
      </form>
    </Card>
  );
}

interface ChoicesProps {
  readonly cameras: readonly CameraInfo[];
  /** Those that it is not for. */
  readonly left: ReadonlySet<string>;
  onLeft(left: ReadonlySet<string>): void;
}

/** Each with why it is here; all are chosen at first. */
function Choices({ cameras, left, onLeft }: ChoicesProps) {
  return (
    <ul class="list">
      {cameras.map(({ id, name, model, reason }) => (
        <li key={id}>
          <Check
            test={`password-for-${id}`}
            label={
              <>
                <strong>{name}</strong> {model !== name && model}
                {reason !== null && (
                  <span class="hint block">
                    {reason.say} {reason.fix}
                  </span>
                )}
              </>
            }
            isChecked={!left.has(id)}
            onChange={(isChosen) => onLeft(new Set([...left, id].filter((one) => one !== id || !isChosen)))}
          />
        </li>
      ))}
    </ul>
  );
}
