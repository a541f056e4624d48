import { useState } from 'preact/hooks';
import { tc } from '../camera-texts.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { useAnswer } from '../state/use-answer.js';
import { Button, Field, Problem } from './basics.js';

interface Place {
  readonly token: string;
  readonly name: string;
}

/** The places a camera can be driven to: a press drives there; changing them is apart, so that nobody loses one by a slip. */
export function PtzPresets({ session, cam }: { readonly session: RecorderSession; readonly cam: string }) {
  const known = useAnswer(session, 'ptz.presets', { cam });
  const [isEditing, setEditing] = useState(false);
  const act = useAct();
  // Gear that has none shows nothing here.
  if (known.data === undefined) return null;
  const { presets } = known.data;
  const changed = (work: () => Promise<unknown>): void =>
    act.run(async () => {
      await work();
      known.reload();
    });
  return (
    <>
      <h3>{tc.places}</h3>
      <div class="actions" data-test="presets">
        <Button
          test="ptz-home"
          isDisabled={act.isBusy}
          onPress={() => act.run(async () => void (await session.link.call('ptz.home', { cam })))}
        >
          {tc.home}
        </Button>
        {presets.map(({ token, name }) => (
          <Button
            key={token}
            test={`preset-${token}`}
            isDisabled={act.isBusy}
            onPress={() => act.run(async () => void (await session.link.call('ptz.goto', { cam, token })))}
          >
            {name || token}
          </Button>
        ))}
      </div>
      {isEditing && (
        <Places
          places={presets}
          isBusy={act.isBusy}
          onStore={(name, token) => changed(() => session.link.call('ptz.set-preset', { cam, name, token }))}
          onForget={(token) => changed(() => session.link.call('ptz.remove-preset', { cam, token }))}
        />
      )}
      <div class="actions">
        <Button test="presets-edit" onPress={() => setEditing(!isEditing)}>
          {isEditing ? tc.editDone : tc.edit}
        </Button>
      </div>
      {act.error !== undefined && <Problem error={act.error} test="preset-problem" />}
    </>
  );
}

interface PlacesProps {
  readonly places: readonly Place[];
  readonly isBusy: boolean;
  onStore(name: string, token: string | null): void;
  onForget(token: string): void;
}

function Places({ places, isBusy, onStore, onForget }: PlacesProps) {
  const [asked, setAsked] = useState<string>();
  return (
    <>
      {places.length === 0 && <p class="hint">{tc.noPlaces}</p>}
      <ul class="list">
        {places.map((place) => {
          const said = place.name || place.token;
          return (
            <li key={place.token} class="row">
              <span>{said}</span>
              <span class="actions">
                <Button
                  test={`preset-again-${place.token}`}
                  label={`${said}: ${tc.again}`}
                  isDisabled={isBusy}
                  onPress={() => onStore(said, place.token)}
                >
                  {tc.again}
                </Button>
                {asked === place.token ? (
                  <>
                    <Button
                      test={`preset-forget-sure-${place.token}`}
                      kind="danger"
                      isDisabled={isBusy}
                      onPress={() => onForget(place.token)}
                    >
                      {tc.forgetSure(said)}
                    </Button>
                    <Button test={`preset-keep-${place.token}`} onPress={() => setAsked(undefined)}>
                      {tc.keep}
                    </Button>
                  </>
                ) : (
                  <Button test={`preset-forget-${place.token}`} label={tc.forgetSure(said)} onPress={() => setAsked(place.token)}>
                    {tc.forget}
                  </Button>
                )}
              </span>
            </li>
          );
        })}
      </ul>
      <NewPlace isBusy={isBusy} onStore={(name) => onStore(name, null)} />
    </>
  );
}

/** Stores where the camera looks now, under a name. */
function NewPlace({ isBusy, onStore }: { readonly isBusy: boolean; onStore(name: string): void }) {
  const [name, setName] = useState('');
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        onStore(name.trim());
        setName('');
      }}
    >
      <Field test="preset-name" label={tc.place} value={name} maxLength={80} onValue={setName} />
      <Button test="preset-store" isBusy={isBusy} isDisabled={name.trim() === ''}>
        {tc.store}
      </Button>
    </form>
  );
}
