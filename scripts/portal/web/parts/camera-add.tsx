import { useEffect, useRef, useState } from 'preact/hooks';
import type { CameraAdded } from '../../../../agent/contract/camera-views.js';
import { type LiveState, LiveViewer } from '../../client/live-viewer.js';
import { tc } from '../camera-texts.js';
import { href } from '../router.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { t } from '../words.js';
import { Button, Field, Problem } from './basics.js';

/** Adds cameras by their addresses and tells of each what became of it; whoever may watch sees that it is the right one. */
export function CameraAdd({ session, onAdded }: { readonly session: RecorderSession; onAdded(): void }) {
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
    const answer = await session.link.call('cameras.add', { cameras }, { timeoutMs: 60_000 });
    setAdded(answer.cameras);
    setForm({ address: '', user: '', password: '' });
    onAdded();
  };
  return (
    <details class="card" data-test="camera-add">
      <summary>{tc.add}</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          act.run(add);
        }}
      >
        <Field {...field('address')} label={tc.address} hint={tc.addressHint} />
        <Field {...field('user')} label={t.setUser} />
        <Field {...field('password')} label={t.setPassword} type="password" autoComplete="new-password" hint={t.setPasswordHint} />
        <Button test="add-do" kind="main" isBusy={act.isBusy} busyText={t.setPlanning} isDisabled={form.address.trim() === ''}>
          {tc.addDo}
        </Button>
      </form>
      {act.error !== undefined && <Problem error={act.error} />}
      {added.map(({ address, id, reason }) => (
        <div key={address} data-test="added">
          {id === null ? address : <a href={href(session.role, session.serial, 'cameras', id)}>{t.camUnnamed(id)}</a>}
          {reason !== null && <Problem error={reason} />}
          {id !== null && reason === null && session.may('live-view', id) && <Still session={session} cam={id} />}
        </div>
      ))}
    </details>
  );
}

/** The first picture of a live view that is closed as soon as it is there: under the same permission, and in the log like any other. */
function Still({ session, cam }: { readonly session: RecorderSession; readonly cam: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const video = Object.assign(document.createElement('video'), { muted: true, playsInline: true });
    const onState = ({ kind }: LiveState): void => {
      if (kind !== 'live' || canvas.current === null) return;
      Object.assign(canvas.current, { width: video.videoWidth, height: video.videoHeight });
      canvas.current.getContext('2d')?.drawImage(video, 0, 0);
      void viewer.stop();
    };
    const viewer = new LiveViewer({ client: session.link, cam, stream: 'sub', maxS: 10, video, onState });
    viewer.start();
    return () => void viewer.stop();
  }, []);
  return (
    <div class="frame">
      <canvas ref={canvas} class="video" role="img" aria-label={t.camPicture(t.camUnnamed(cam))} data-test="still" />
    </div>
  );
}
