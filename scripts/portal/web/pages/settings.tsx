import { useEffect, useState } from 'preact/hooks';
import type { Configuration } from '../../../../agent/contract/configuration.js';
import { type CameraForm, cameraPatch, formOf, type StreamForm } from '../config-form.js';
import { nameError } from '../field-rules.js';
import type { Named } from '../names.js';
import { Card, Field } from '../parts/basics.js';
import { Loaded } from '../parts/loaded.js';
import { PlanForm } from '../parts/plan-form.js';
import { Wall } from '../parts/wall.js';
import { tr } from '../recorder-texts.js';
import { href } from '../router.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAnswer } from '../state/use-answer.js';
import { tt } from '../trust-words.js';

/** Names, pictures and passwords, and for the owner whose recorder it is. A change is shown as a plan, applied, and read back. */
export function SettingsPage({ session, focus }: { readonly session: RecorderSession; readonly focus: string | undefined }) {
  return (
    <>
      {session.role === 'own' && <Ownership serial={session.serial} />}
      <Wall session={session} scope="remote-configuration">
        <Settings session={session} focus={focus} />
      </Wall>
    </>
  );
}

function Ownership({ serial }: { readonly serial: string }) {
  const links = [
    ['devices', tt.devicesTitle, tt.devicesHint],
    ['hand-over', tt.handOverTitle, tt.handOverHint],
  ] as const;
  return (
    <Card title={tt.ownerTitle}>
      <ul class="list">
        {links.map(([page, title, hint]) => (
          <li key={page}>
            <a class="row" href={href('own', serial, 'settings', page)} data-test={`settings-${page}`}>
              <span>
                <strong>{title}</strong>
                <span class="hint">{hint}</span>
              </span>
            </a>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Settings({ session, focus }: { readonly session: RecorderSession; readonly focus: string | undefined }) {
  const configuration = useAnswer(session, 'config.get', {}, { on: ['config', 'cameras'] });
  return (
    <Loaded answer={configuration} lines={6}>
      {(data) => {
        const cameras = Object.entries(data.cameras).map(([id, { name }]) => ({ id, name }));
        return (
          <>
            <Card title={tr.setRecorder}>
              <RecorderSettings session={session} configuration={data} onApplied={configuration.reload} />
            </Card>
            {cameras.map(({ id, name }) => (
              <details key={id} class="card" data-test={`settings-card-${id}`} open={id === (focus ?? cameras[0]?.id)}>
                <summary>{name}</summary>
                <CameraSettings session={session} configuration={data} cameras={cameras} id={id} onApplied={configuration.reload} />
              </details>
            ))}
          </>
        );
      }}
    </Loaded>
  );
}

interface PartProps {
  readonly session: RecorderSession;
  readonly configuration: Configuration;
  onApplied(): void;
}

function RecorderSettings({ session, configuration, onApplied }: PartProps) {
  const [name, setName] = useState(configuration.recorderName);
  const [error, setError] = useState<string>();
  useEffect(() => setName(configuration.recorderName), [configuration.recorderName]);
  return (
    <PlanForm
      session={session}
      configuration={configuration}
      cameras={[]}
      name="recorder"
      onApplied={onApplied}
      makePatch={() => {
        setError(nameError(name));
        if (nameError(name) !== undefined) return undefined;
        return name.trim() === configuration.recorderName ? 'nothing' : { recorderName: name.trim() };
      }}
    >
      <Field test="set-recorder-name" label={tr.setRecorderName} value={name} error={error} onValue={setName} />
    </PlanForm>
  );
}

function CameraSettings({
  session,
  configuration,
  cameras,
  id,
  onApplied,
}: PartProps & { readonly cameras: readonly Named[]; readonly id: string }) {
  const camera = configuration.cameras[id];
  const [form, setForm] = useState<CameraForm | undefined>(camera === undefined ? undefined : formOf(camera));
  const [errors, setErrors] = useState<Readonly<Record<string, string>>>({});
  // What the recorder reports is the truth: the form follows it once it changed.
  useEffect(() => setForm(camera === undefined ? undefined : formOf(camera)), [configuration.version]);
  if (camera === undefined || form === undefined) return null;
  const set = (part: Partial<CameraForm>): void => setForm({ ...form, ...part });
  return (
    <PlanForm
      session={session}
      configuration={configuration}
      cameras={cameras}
      name={id}
      onApplied={onApplied}
      makePatch={() => {
        const made = cameraPatch(id, form, camera);
        setErrors(made.errors);
        return Object.keys(made.errors).length > 0 ? undefined : (made.patch ?? 'nothing');
      }}
    >
      <Field test={`set-name-${id}`} label={tr.setCameraName} value={form.name} error={errors.name} onValue={(name) => set({ name })} />
      {(['sub', 'main'] as const).map((kind) => {
        const stream = form[kind];
        return (
          stream !== null && (
            <StreamFields
              key={kind}
              session={session}
              cam={id}
              kind={kind}
              form={stream}
              errors={errors}
              onForm={(next) => set({ [kind]: next })}
            />
          )
        );
      })}
      <LoginFields id={id} hasLogin={camera.hasLogin} form={form} onPart={set} />
    </PlanForm>
  );
}

interface LoginFieldsProps {
  readonly id: string;
  readonly hasLogin: boolean;
  readonly form: CameraForm;
  onPart(part: Partial<CameraForm>): void;
}

/** User name and password of a camera: always empty at first, because they cannot be read back. */
function LoginFields({ id, hasLogin, form, onPart }: LoginFieldsProps) {
  return (
    <fieldset class="part">
      <legend>{tr.setPassword}</legend>
      <p class="hint">{hasLogin ? tr.setHasLogin : tr.setNoLogin}</p>
      <Field test={`set-user-${id}`} label={tr.setUser} value={form.user} onValue={(user) => onPart({ user })} />
      <Field
        test={`set-password-${id}`}
        label={tr.setNewPassword}
        type="password"
        hint={tr.setPasswordHint}
        value={form.password}
        autoComplete="new-password"
        onValue={(password) => onPart({ password })}
      />
    </fieldset>
  );
}

interface StreamFieldsProps {
  readonly session: RecorderSession;
  readonly cam: string;
  readonly kind: 'main' | 'sub';
  readonly form: StreamForm;
  readonly errors: Readonly<Record<string, string>>;
  onForm(form: StreamForm): void;
}

/** Resolution and rate. What the camera offers is there to choose; something else can be typed and is judged by the plan. */
function StreamFields({ session, cam, kind, form, errors, onForm }: StreamFieldsProps) {
  const offer = useAnswer(session, 'config.options', { cam, stream: kind }, { on: ['cameras'] });
  const resolutions = offer.data?.resolutions.map(({ width, height }) => `${width}x${height}`);
  const rates = offer.data?.frameRate;
  return (
    <fieldset class="part">
      <legend>{kind === 'sub' ? tr.setSub : tr.setMain}</legend>
      <Field
        test={`set-${kind}-resolution-${cam}`}
        label={tr.setResolution}
        value={form.resolution}
        hint={resolutions === undefined ? tr.setResolutionHint : tr.setOffers(resolutions.join(', '))}
        error={errors[`${kind}.resolution`]}
        {...(resolutions === undefined ? {} : { offers: resolutions })}
        onValue={(resolution) => onForm({ ...form, resolution })}
      />
      <Field
        test={`set-${kind}-rate-${cam}`}
        label={tr.setRate}
        inputMode="numeric"
        value={form.frameRate}
        hint={rates === undefined ? undefined : tr.setRateHint(rates.min, rates.max)}
        error={errors[`${kind}.frameRate`]}
        onValue={(frameRate) => onForm({ ...form, frameRate })}
      />
    </fieldset>
  );
}
