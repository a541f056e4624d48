import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { CameraTest } from '../../../../agent/contract/camera-views.js';
import { tc } from '../camera-texts.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { Button, Done, type Level, LevelIcon, Problem } from './basics.js';

const LEVELS: Record<CameraTest['steps'][number]['result'], Level | undefined> = {
  ok: 'ok',
  warning: 'attention',
  failed: 'act',
  absent: undefined,
  skipped: undefined,
};

interface TesterProps {
  readonly session: RecorderSession;
  readonly cam: string;
  readonly isDisabled?: boolean;
  /** What stands beside the button. */
  readonly children?: ComponentChildren;
}

/** Looks at a camera from end to end and tells each step: what was found, and what to do where it is wrong. */
export function CameraTester({ session, cam, isDisabled = false, children }: TesterProps) {
  const [test, setTest] = useState<CameraTest>();
  const act = useAct();
  const run = (): void =>
    act.run(async () => {
      setTest(undefined);
      setTest(await session.link.call('cameras.test', { cam }, { timeoutMs: 120_000 }));
    });
  const failed = test?.steps.filter(({ result }) => result === 'failed').length ?? 0;
  return (
    <>
      <div class="actions">
        <Button test="camera-test" isBusy={act.isBusy} busyText={tc.testing} isDisabled={isDisabled} onPress={run}>
          {tc.test}
        </Button>
        {children}
      </div>
      {act.error !== undefined && <Problem error={act.error} test="test-problem" />}
      {test !== undefined && (
        <div role="status" data-test="test-verdict">
          {failed === 0 ? (
            <Done>{tc.testOk}</Done>
          ) : (
            <p>
              <LevelIcon level="act" /> <strong>{tc.testFailed(failed)}</strong>
            </p>
          )}
        </div>
      )}
      {test !== undefined && (
        <ul class="list steps" data-test="test-steps">
          {test.steps.map(({ step, result, say, fix }) => {
            const level = LEVELS[result];
            return (
              <li key={step} data-result={result}>
                <p>
                  {level === undefined ? <span class="level" aria-hidden="true" /> : <LevelIcon level={level} />}{' '}
                  <strong>{tc.steps[step]}</strong> <span class="tag">{tc.results[result]}</span>
                </p>
                <p class="step-say">
                  {say} {fix !== '' && <strong>{fix}</strong>}
                </p>
              </li>
            );
          })}
        </ul>
      )}
    </>
  );
}
