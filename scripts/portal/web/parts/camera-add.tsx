import { useState } from 'preact/hooks';
import type { CameraAdded } from '../../../../agent/contract/camera-views.js';
import type { ArgsOf } from '../../../../agent/contract/operations.js';
import { tc } from '../camera-texts.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { useAnswer } from '../state/use-answer.js';
import { Button, Card, Done, Field, Problem } from './basics.js';
import { CameraPasswords } from './camera-passwords.js';
import { CameraSetUp } from './camera-set-up.js';
import { Loaded } from './loaded.js';
import { Wall } from './wall.js';

/** From nothing to a camera with a name and a picture: find it, give its password once, see what it shows, say what is wrong with it. */
export function AddCameras({ session }: { readonly session: RecorderSession }) {
  return (
    <Wall session={session} scope="remote-configuration">
      <Adding session={session} />
    </Wall>
  );
}

function Adding({ session }: { readonly session: RecorderSession }) {
  const maySee = session.may('site-information');
  const site = useAnswer(session, 'site.get', {}, { on: ['cameras', 'config'], isWanted: maySee });
  // Cameras that came while this page is open, and those that were waiting for their password when it was opened.
  const [fresh, setFresh] = useState<readonly string[]>([]);
  const found = (ids: readonly string[]): void => {
    setFresh((before) => [...new Set([...before, ...ids])]);
    site.reload();
  };
  return (
    <>
      <Card title={tc.find} test="camera-find">
        <Search session={session} onFound={found} />
        <ByAddress session={session} onFound={found} />
        <Scan session={session} onFound={found} />
      </Card>
      {maySee && (
        <Loaded answer={site}>
          {({ cameras }) => {
            const refused = cameras.filter(({ state }) => state === 'unauthorized');
            const ready = cameras.filter(({ id, state }) => fresh.includes(id) && state !== 'unauthorized');
            return (
              <>
                {refused.length > 0 && (
                  <CameraPasswords session={session} cameras={refused} onTaken={() => found(refused.map(({ id }) => id))} />
                )}
                {ready.map((camera) => (
                  <CameraSetUp key={camera.id} session={session} camera={camera} />
                ))}
              </>
            );
          }}
        </Loaded>
      )}
    </>
  );
}

interface FindProps {
  readonly session: RecorderSession;
  onFound(ids: readonly string[]): void;
}

/** What a search came to, in a sentence; with the next step where it found nothing. */
function useSearch({ session, onFound }: FindProps) {
  const [sentences, setSentences] = useState<readonly string[]>();
  const act = useAct();
  const search = (wish: ArgsOf<'cameras.discover'>, timeoutMs: number): void =>
    act.run(async () => {
      setSentences(undefined);
      const { found, known = [], removed = 0 } = await session.link.call('cameras.discover', wish, { timeoutMs });
      const said = [found.length > 0 ? tc.found(found.length) : tc.foundNone(known.length)];
      if (found.length + known.length + removed === 0) said.push(tc.foundNoneFix);
      if (removed > 0) said.push(tc.foundRemoved(removed));
      setSentences(said);
      onFound(found);
    });
  const news = (
    <>
      {sentences !== undefined && <Done test="camera-found">{sentences.join(' ')}</Done>}
      {act.error !== undefined && <Problem error={act.error} test="find-problem" />}
    </>
  );
  return { search, isBusy: act.isBusy, news };
}

function Search(props: FindProps) {
  const { search, isBusy, news } = useSearch(props);
  return (
    <>
      <div class="actions">
        <Button test="cameras-search" kind="main" isBusy={isBusy} busyText={tc.searching} onPress={() => search({}, 30_000)}>
          {tc.search}
        </Button>
      </div>
      {news}
    </>
  );
}

/** The scan asks everybody: only whoever opens this gets to it. */
function Scan(props: FindProps) {
  const { search, isBusy, news } = useSearch(props);
  const [network, setNetwork] = useState('');
  const [error, setError] = useState<string>();
  return (
    <details data-test="camera-scan">
      <summary>{tc.scan}</summary>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          const scan = network.trim();
          const isNetwork = /^(\d{1,3}\.){3}\d{1,3}\/(2[2-9]|3[0-2])$/.test(scan);
          setError(isNetwork ? undefined : tc.networkError);
          if (isNetwork) search({ scan }, 130_000);
        }}
      >
        <p class="hint">{tc.scanHint}</p>
        <Field test="scan-network" label={tc.network} hint={tc.networkHint} value={network} error={error} onValue={setNetwork} />
        <Button test="scan-do" isBusy={isBusy} busyText={tc.searching}>
          {tc.scanDo}
        </Button>
        {news}
      </form>
    </details>
  );
}

/** Cameras that no search reaches: each answers at once, or says why not and what to do. */
function ByAddress({ session, onFound }: FindProps) {
  const [form, setForm] = useState({ address: '', user: '', password: '' });
  const [added, setAdded] = useState<readonly CameraAdded[]>([]);
  const act = useAct();
  const field = (name: keyof typeof form) => ({
    test: `add-${name}`,
    value: form[name],
    onValue: (value: string) => setForm({ ...form, [name]: value }),
  });
  const add = async (): Promise<void> => {
    const { user, password } = form;
    const login = user === '' ? {} : { login: { user, password } };
    const cameras = form.address.split(/[\s,;]+/).flatMap((address) => (address === '' ? [] : [{ address, ...login }]));
    setAdded([]);
    const answer = await session.link.call('cameras.add', { cameras }, { timeoutMs: 60_000 });
    setAdded(answer.cameras);
    setForm({ address: '', user: '', password: '' });
    onFound(answer.cameras.flatMap(({ id }) => id ?? []));
  };
  // What only wants its password is asked for it below.
  const troubles = added.filter(({ reason, state }) => reason !== null && state !== 'unauthorized');
  return (
    <details data-test="camera-add">
      <summary>{tc.byAddress}</summary>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          act.run(add);
        }}
      >
        <Field {...field('address')} label={tc.address} hint={tc.addressHint} />
        <Field {...field('user')} label={tc.userOptional} />
        <Field {...field('password')} label={tc.password} type="password" autoComplete="new-password" />
        <Button test="add-do" isBusy={act.isBusy} busyText={tc.adding} isDisabled={form.address.trim() === ''}>
          {tc.addDo}
        </Button>
        {act.error !== undefined && <Problem error={act.error} test="add-problem" />}
        {troubles.map(({ address, reason }) => (
          <div key={address} data-test="added">
            <p class="mono">{address}</p>
            {reason !== null && <Problem error={reason} />}
          </div>
        ))}
      </form>
    </details>
  );
}
