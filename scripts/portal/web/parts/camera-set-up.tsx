import { useState } from 'preact/hooks';
import type { CameraInfo } from '../../../../agent/contract/views.js';
import { tc } from '../camera-texts.js';
import { nameError } from '../field-rules.js';
import { href } from '../router.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { Button, ButtonLink, Card, Done, Field, Problem } from './basics.js';
import { CameraState } from './camera-list.js';
import { Still } from './camera-still.js';
import { CameraTester } from './camera-tester.js';

/** A camera that was just added: what it shows, its name, and whether all of it works. */
export function CameraSetUp({ session, camera }: { readonly session: RecorderSession; readonly camera: CameraInfo }) {
  const [name, setName] = useState(camera.name);
  const [error, setError] = useState<string>();
  const [isSaved, setSaved] = useState(false);
  const act = useAct();
  const save = async (): Promise<void> => {
    const { version } = await session.link.call('config.get', {});
    await session.link.call('config.apply', { base: version, patch: { cameras: { [camera.id]: { name: name.trim() } } } });
    setSaved(true);
  };
  return (
    <Card title={camera.name} test={`set-up-${camera.id}`}>
      <p>
        <CameraState camera={camera} />
      </p>
      {camera.reason !== null && <Problem error={camera.reason} />}
      {camera.state === 'online' && session.may('live-view', camera.id) && <Still session={session} cam={camera.id} name={camera.name} />}
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          setSaved(false);
          setError(nameError(name));
          if (nameError(name) === undefined) act.run(save);
        }}
      >
        <Field test={`set-up-name-${camera.id}`} label={tc.name} value={name} error={error} maxLength={80} onValue={setName} />
        <Button test={`set-up-name-do-${camera.id}`} isBusy={act.isBusy} isDisabled={name.trim() === camera.name}>
          {tc.nameDo}
        </Button>
        {isSaved && <Done>{tc.named}</Done>}
        {act.error !== undefined && <Problem error={act.error} />}
      </form>
      <CameraTester session={session} cam={camera.id}>
        <ButtonLink test={`set-up-open-${camera.id}`} to={href(session.role, session.serial, 'cameras', camera.id)}>
          {tc.open}
        </ButtonLink>
      </CameraTester>
    </Card>
  );
}
