import { useState } from 'preact/hooks';
import type { CameraTest } from '../../../../agent/contract/camera-views.js';
import { tc } from '../camera-texts.js';
import { go } from '../router.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { t } from '../words.js';
import { Button, Card, type Level, LevelIcon, Problem } from './basics.js';

const LEVELS: Record<CameraTest['steps'][number]['result'], Level | undefined> = {
  ok: 'ok',
  warning: 'attention',
  failed: 'act',
  absent: undefined,
  skipped: undefined,
};

/** Looks at a camera from end to end, and takes it off the recorder. */
export function CameraCare({ session, cam }: { readonly session: RecorderSession; readonly cam: string }) {
  const [test, setTest] = useState<CameraTest>();
  const [isSure, setSure] = useState(false);
  const act = useAct();
  const run = (): void =>
    act.run(async () => {
      setTest(undefined);
      setTest(await session.link.call('cameras.test', { cam }, { timeoutMs: 120_000 }));
    });
  const remove = (): void =>
    act.run(async () => {
      await session.link.call('cameras.remove', { cam });
      go(session.role, session.serial, 'cameras');
    });
  return (
    <Card title={tc.care} test="camera-care">
      <div class="actions">
        <Button test="camera-test" isBusy={act.isBusy} busyText={t.setPlanning} onPress={run}>
          {tc.test}
        </Button>
        <Button test="camera-remove" kind="danger" isDisabled={act.isBusy} onPress={() => (isSure ? remove() : setSure(true))}>
          {isSure ? tc.removeSure : tc.remove}
        </Button>
      </div>
      {act.error !== undefined && <Problem error={act.error} />}
      {test !== undefined && (
        <ul class="list" data-test="test-steps" aria-live="polite">
          {test.steps.map(({ step, result, say, fix }) => {
            const level = LEVELS[result];
            return (
              <li key={step} data-result={result}>
                <p>
                  {level !== undefined && <LevelIcon level={level} />} <strong>{tc.steps[step]}</strong> {say} {fix}
                </p>
              </li>
            );
          })}
        </ul>
      )}
    </Card>
  );
}
