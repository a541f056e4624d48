import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Applied, Configuration, ConfigurationPatch, Plan, PlanStep } from '../../../../agent/contract/configuration.js';
import { pathInWords, valueInWords } from '../config-form.js';
import type { Named } from '../names.js';
import { tr } from '../recorder-texts.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { t } from '../words.js';
import { Button, Done, LevelIcon, Problem } from './basics.js';

interface PlanFormProps {
  readonly session: RecorderSession;
  readonly configuration: Configuration;
  readonly cameras: readonly Named[];
  /** Tells the forms apart: `recorder` or a camera's id. */
  readonly name: string;
  /** The change as a patch, "nothing" when nothing differs, undefined when a field is wrong (its error is shown there). */
  makePatch(): ConfigurationPatch | 'nothing' | undefined;
  onApplied(): void;
  readonly children: ComponentChildren;
}

interface Shown {
  readonly patch: ConfigurationPatch;
  readonly plan: Plan;
}

/** A form whose change is first shown as a plan, then applied, then shown as it was read back. */
export function PlanForm({ session, configuration, cameras, name, makePatch, onApplied, children }: PlanFormProps) {
  const [shown, setShown] = useState<Shown>();
  const [applied, setApplied] = useState<Applied>();
  const [isNothing, setNothing] = useState(false);
  const planning = useAct();
  const applying = useAct();

  const showPlan = (event: Event): void => {
    event.preventDefault();
    const patch = makePatch();
    setShown(undefined);
    setApplied(undefined);
    applying.clear();
    setNothing(patch === 'nothing');
    if (patch === undefined || patch === 'nothing') return;
    planning.run(async () =>
      setShown({ patch, plan: await session.link.call('config.plan', { base: configuration.version, patch }, { timeoutMs: 30_000 }) }),
    );
  };
  const apply = ({ patch, plan }: Shown): void =>
    applying.run(async () => {
      const done = await session.link.call('config.apply', { base: plan.base, patch }, { timeoutMs: 60_000 });
      setShown(undefined);
      setApplied(done);
      onApplied();
    });

  return (
    <form class="form" noValidate data-test={`settings-${name}`} onSubmit={showPlan} onInput={() => setShown(undefined)}>
      {children}
      <div class="actions">
        <Button test={`plan-${name}`} isBusy={planning.isBusy} busyText={tr.setPlanning}>
          {tr.setShowPlan}
        </Button>
      </div>
      <div aria-live="polite">
        {isNothing && <p class="hint">{tr.setNothing}</p>}
        {planning.error !== undefined && <Problem error={planning.error} test={`plan-problem-${name}`} />}
        {shown !== undefined && <ShownPlan plan={shown.plan} cameras={cameras} />}
        {shown !== undefined && shown.plan.refused.length === 0 && shown.plan.steps.length > 0 && (
          <Button test={`apply-${name}`} kind="main" isBusy={applying.isBusy} busyText={tr.setApplying} onPress={() => apply(shown)}>
            {tr.setApply}
          </Button>
        )}
        {applying.error !== undefined && <Problem error={applying.error} test={`apply-problem-${name}`} />}
        {applied !== undefined && <AppliedSteps applied={applied} cameras={cameras} name={name} />}
      </div>
    </form>
  );
}

function stepText(step: PlanStep, cameras: readonly Named[]): string {
  const what = pathInWords(step.path, cameras);
  return step.from === null ? tr.setStepNew(what, valueInWords(step.to)) : tr.setStep(what, valueInWords(step.from), valueInWords(step.to));
}

function ShownPlan({ plan, cameras }: { readonly plan: Plan; readonly cameras: readonly Named[] }) {
  return (
    <div class="plan" data-test="plan">
      {plan.steps.length > 0 && <h4>{tr.setPlanTitle}</h4>}
      <ul class="list">
        {plan.steps.map((step) => (
          <li key={step.path} data-test="plan-step" data-path={step.path} data-risk={step.risk}>
            {stepText(step, cameras)}
            {step.risk === 'interrupts-video' && <span class="hint"> ({tr.setInterrupts})</span>}
          </li>
        ))}
      </ul>
      {plan.refused.length > 0 && <h4>{tr.setPlanRefused}</h4>}
      {plan.refused.map((refusal) => (
        <div key={refusal.path} class="problem" data-test="plan-refused" data-path={refusal.path} data-code={refusal.code}>
          <p class="problem-say">
            {pathInWords(refusal.path, cameras)}: {refusal.say}
          </p>
          <p>{refusal.fix}</p>
          {refusal.offers.length > 0 && <p data-test="plan-offers">{tr.setInstead(refusal.offers.join(', '))}</p>}
          <p class="code">{t.code(refusal.code)}</p>
        </div>
      ))}
      {plan.steps.length === 0 && plan.refused.length === 0 && <p class="hint">{tr.setNothing}</p>}
    </div>
  );
}

function AppliedSteps({
  applied,
  cameras,
  name,
}: {
  readonly applied: Applied;
  readonly cameras: readonly Named[];
  readonly name: string;
}) {
  return (
    <div class="plan">
      <Done test={`applied-${name}`}>{tr.setDone}</Done>
      <ul class="list">
        {applied.steps.map((step) => (
          <li key={step.path} data-test="applied-step" data-path={step.path} data-read-back={step.isReadBack}>
            <LevelIcon level="ok" /> {stepText(step, cameras)} <span class="hint">({step.isReadBack ? tr.setReadBack : tr.setKept})</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
