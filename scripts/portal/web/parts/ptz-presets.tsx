import { useState } from 'preact/hooks';
import { tc } from '../camera-texts.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { useAnswer } from '../state/use-answer.js';
import { Button, Field, Problem } from './basics.js';

/** The places a camera can be driven to. Gear that has none shows nothing here. */
export function PtzPresets({ session, cam }: { readonly session: RecorderSession; readonly cam: string }) {
  const known = useAnswer(session, 'ptz.presets', { cam });
  const [name, setName] = useState('');
  const act = useAct();
  if (known.data === undefined) return null;
  const store = async (): Promise<void> => {
    await session.link.call('ptz.set-preset', { cam, name: name.trim(), token: null });
    setName('');
    known.reload();
  };
  return (
    <>
      <div class="actions" data-test="presets">
        <Button test="ptz-home" onPress={() => act.run(async () => void (await session.link.call('ptz.home', { cam })))}>
          {tc.home}
        </Button>
        {known.data.presets.map((preset) => (
          <Button
            key={preset.token}
            test={`preset-${preset.token}`}
            onPress={() => act.run(async () => void (await session.link.call('ptz.goto', { cam, token: preset.token })))}
          >
            {preset.name || preset.token}
          </Button>
        ))}
      </div>
      <form
        class="actions"
        onSubmit={(event) => {
          event.preventDefault();
          act.run(store);
        }}
      >
        <Field test="preset-name" label={tc.place} value={name} maxLength={80} onValue={setName} />
        <Button test="preset-store" isBusy={act.isBusy} isDisabled={name.trim() === ''}>
          {tc.store}
        </Button>
      </form>
      {act.error !== undefined && <Problem error={act.error} test="preset-problem" />}
    </>
  );
}
