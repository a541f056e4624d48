import { useEffect, useState } from 'preact/hooks';
import { thumbprint } from '../../../../agent/contract/jws.js';
import type { AnswerOf } from '../../../../agent/contract/operations.js';
import { type Scope, SECOND_FACTOR_SCOPES } from '../../../../agent/contract/shapes.js';
import type { Application } from '../../../../agent/contract/views.js';
import { duration, shortPrint } from '../format.js';
import { type HoursForm, hoursOf } from '../hours.js';
import { cameraNameOf, type Named } from '../names.js';
import { grantsOf, isLease, LEASE_DURATIONS, LONG_DURATIONS, nearestDuration } from '../permission-parts.js';
import { useApp } from '../state/context.js';
import { allow } from '../state/owner-acts.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { type Act, useAct } from '../state/use-act.js';
import { tt } from '../trust-words.js';
import { t } from '../words.js';
import { Button, Check, Problem, Select } from './basics.js';
import { HoursChoice } from './hours-choice.js';

interface ApplicationCardProps {
  readonly session: RecorderSession;
  readonly permissions: AnswerOf<'permissions.list'>;
  readonly application: Application;
  readonly cameras: readonly Named[];
  onDecided(sentence: string): void;
}

/** Hours are by the clock where the owner is, which is taken for the site's. */
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

const options = (durations: readonly number[]): [string, string][] => durations.map((ms) => [String(ms), duration(ms)]);

/** An organisation asks; the owner decides on each part, for which cameras, and for how long. */
export function ApplicationCard({ session, permissions, application, cameras, onDecided }: ApplicationCardProps) {
  const app = useApp();
  // Whoever only sets the recorder up allows nothing that needs a second factor: the recorder would refuse it.
  const offered = application.scopes.filter((scope) => permissions.role === 'owner' || !SECOND_FACTOR_SCOPES.has(scope));
  const [scopes, setScopes] = useState<ReadonlySet<Scope>>(new Set(offered));
  const [pictureMs, setPictureMs] = useState(nearestDuration(LEASE_DURATIONS, application.durationMs));
  const [otherMs, setOtherMs] = useState(nearestDuration(LONG_DURATIONS, application.durationMs));
  const [cams, setCams] = useState<readonly string[] | null>(application.cams);
  const [hours, setHours] = useState<HoursForm | null>(null);
  const [complaint, setComplaint] = useState<string>();
  const act = useAct();

  const decideAllow = (): void => {
    const parts = grantsOf({ scopes, pictureMs, otherMs });
    const when = hours === null ? null : hoursOf(hours, ZONE);
    const isEmpty = cams !== null && cams.length === 0;
    const missing = parts.length === 0 ? t.permNothingChosen : isEmpty ? t.permNoCamera : typeof when === 'string' ? when : undefined;
    setComplaint(missing);
    if (missing !== undefined || typeof when === 'string') return;
    act.run(async () => {
      await allow(app, session, permissions, application, { parts, cams, hours: when });
      onDecided(t.permAllowed);
    });
  };
  const decline = (): void =>
    act.run(async () => {
      await session.link.call('permissions.decline', { application: application.id });
      onDecided(t.permDeclined);
    });
  const part = (isPicture: boolean) => ({
    scopes: offered.filter((scope) => isLease(scope) === isPicture),
    chosen: scopes,
    onScopes: setScopes,
  });

  return (
    <article class="card application" data-test="application" data-organisation={application.org.name}>
      <Asker application={application} />
      <Part title={t.permPicturesPart} test="pictures" durations={LEASE_DURATIONS} ms={pictureMs} onMs={setPictureMs} {...part(true)} />
      <Part title={t.permOtherPart} test="other" durations={LONG_DURATIONS} ms={otherMs} onMs={setOtherMs} {...part(false)} />
      {offered.length < application.scopes.length && <p class="hint">{tt.heldGrant}</p>}
      <HoursChoice form={hours} zone={ZONE} onForm={setHours} />
      <CameraChoice asked={application.cams} chosen={cams} cameras={cameras} onChosen={setCams} />
      <KeyLine application={application} />
      <Decide complaint={complaint} act={act} onAllow={decideAllow} onDecline={decline} />
    </article>
  );
}

interface DecideProps {
  readonly complaint: string | undefined;
  readonly act: Act;
  onAllow(): void;
  onDecline(): void;
}

function Decide({ complaint, act, onAllow, onDecline }: DecideProps) {
  return (
    <>
      {complaint !== undefined && (
        <p class="field-error" role="alert">
          {complaint}
        </p>
      )}
      {act.error !== undefined && <Problem error={act.error} test="grant-problem" />}
      <div class="actions">
        <Button test="allow" kind="main" isBusy={act.isBusy} busyText={t.permAllowing} onPress={onAllow}>
          {t.permAllow}
        </Button>
        <Button test="decline" isBusy={act.isBusy} onPress={onDecline}>
          {t.permDecline}
        </Button>
      </div>
    </>
  );
}

function Asker({ application: { org, person, note } }: { readonly application: Application }) {
  return (
    <>
      <h3>{t.permAsks(org.name)}</h3>
      <p>{t.permAskedBy(person.name, person.email)}</p>
      {note !== '' && <blockquote data-test="application-note">{note}</blockquote>}
    </>
  );
}

interface PartProps {
  readonly title: string;
  readonly test: string;
  readonly scopes: readonly Scope[];
  readonly chosen: ReadonlySet<Scope>;
  readonly durations: readonly number[];
  readonly ms: number;
  onMs(ms: number): void;
  onScopes(scopes: ReadonlySet<Scope>): void;
}

function Part({ title, test, scopes, chosen, durations, ms, onMs, onScopes }: PartProps) {
  if (scopes.length === 0) return null;
  const toggle = (scope: Scope, isChosen: boolean): void => {
    const next = new Set(chosen);
    if (isChosen) next.add(scope);
    else next.delete(scope);
    onScopes(next);
  };
  return (
    <fieldset class="part" data-test={`part-${test}`}>
      <legend>{title}</legend>
      {scopes.map((scope) => (
        <Check
          key={scope}
          test={`grant-scope-${scope}`}
          label={t.scopeName[scope]}
          isChecked={chosen.has(scope)}
          onChange={(isChosen) => toggle(scope, isChosen)}
        />
      ))}
      <Select
        test={`grant-duration-${test}`}
        label={t.permHowLong}
        value={String(ms)}
        options={options(durations)}
        onValue={(value) => onMs(Number(value))}
      />
    </fieldset>
  );
}

interface CameraChoiceProps {
  readonly asked: readonly string[] | null;
  readonly chosen: readonly string[] | null;
  readonly cameras: readonly Named[];
  onChosen(cams: readonly string[] | null): void;
}

/** All cameras (also later ones), or only some; never more than was asked for. */
function CameraChoice({ asked, chosen, cameras, onChosen }: CameraChoiceProps) {
  const offered = asked ?? cameras.map((camera) => camera.id);
  if (offered.length === 0) return null;
  return (
    <fieldset class="part">
      <legend>{t.permForCameras}</legend>
      {asked === null && (
        <Check
          test="grant-all-cameras"
          label={t.permAllCameras}
          isChecked={chosen === null}
          onChange={(isAll) => onChosen(isAll ? null : offered)}
        />
      )}
      {chosen !== null &&
        offered.map((id) => (
          <Check
            key={id}
            test={`grant-camera-${id}`}
            label={cameraNameOf(cameras, id)}
            isChecked={chosen.includes(id)}
            onChange={(isChosen) => onChosen(isChosen ? [...chosen, id] : chosen.filter((other) => other !== id))}
          />
        ))}
    </fieldset>
  );
}

/** A name can be anybody's; the key is the company's. Read out over the phone it settles who is asking. */
function KeyLine({ application }: { readonly application: Application }) {
  const [print, setPrint] = useState('');
  useEffect(() => {
    let isCurrent = true;
    void thumbprint(application.org.key).then((text) => isCurrent && setPrint(shortPrint(text)));
    return () => {
      isCurrent = false;
    };
  }, [application]);
  return (
    <p class="hint" data-test="asker-key">
      {t.permCheckKey(print)}
    </p>
  );
}
