import { useState } from 'preact/hooks';
import { tc } from '../camera-texts.js';
import { go } from '../router.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { Button, Card, Problem } from './basics.js';
import { CameraTester } from './camera-tester.js';

interface CareProps {
  readonly session: RecorderSession;
  readonly cam: string;
  readonly name: string;
}

/** Tests a camera, and takes it off the recorder once somebody has read what that means. */
export function CameraCare({ session, cam, name }: CareProps) {
  const [isAsked, setAsked] = useState(false);
  const act = useAct();
  const remove = (): void =>
    act.run(async () => {
      await session.link.call('cameras.remove', { cam });
      go(session.role, session.serial, 'cameras');
    });
  return (
    <Card title={tc.care} test="camera-care">
      <CameraTester session={session} cam={cam} isDisabled={act.isBusy}>
        {!isAsked && (
          <Button test="camera-remove" kind="danger" onPress={() => setAsked(true)}>
            {tc.remove}
          </Button>
        )}
      </CameraTester>
      {isAsked && (
        <div class="confirm" role="alert">
          <p>{tc.removeWhat(name)}</p>
          <div class="actions">
            <Button test="camera-remove-sure" kind="danger" isBusy={act.isBusy} onPress={remove}>
              {tc.removeSure}
            </Button>
            <Button test="camera-keep" onPress={() => setAsked(false)}>
              {tc.keep}
            </Button>
          </div>
        </div>
      )}
      {act.error !== undefined && <Problem error={act.error} test="remove-problem" />}
    </Card>
  );
}
