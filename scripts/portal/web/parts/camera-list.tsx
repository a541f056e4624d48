import type { CameraInfo } from '../../../../agent/contract/views.js';
import { ago } from '../format.js';
import { href } from '../router.js';
import { useApp } from '../state/context.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { t } from '../words.js';
import { Empty, type Level, LevelIcon } from './basics.js';

const LEVELS: Record<CameraInfo['state'], Level> = {
  unknown: 'attention',
  reachable: 'attention',
  unauthorized: 'act',
  online: 'ok',
  fault: 'act',
};

/** The state of a camera in a word and a sign, and why. */
export function CameraState({ camera }: { readonly camera: CameraInfo }) {
  const { now } = useApp();
  const seen = camera.state !== 'online' && camera.lastSeenAt !== null ? `, ${t.camLastSeen(ago(camera.lastSeenAt, now.value))}` : '';
  return (
    <span class="camera-state" data-test={`camera-state-${camera.id}`} data-state={camera.state}>
      <LevelIcon level={LEVELS[camera.state]} /> {t.camState[camera.state]}
      {seen}
    </span>
  );
}

/** Cameras as rows that lead to their pages. */
export function CameraList({ session, cameras }: { readonly session: RecorderSession; readonly cameras: readonly CameraInfo[] }) {
  if (cameras.length === 0) return <Empty title={t.camerasEmpty} hint={t.camerasEmptyHint} />;
  return (
    <ul class="list" data-test="cameras">
      {cameras.map((camera) => (
        <li key={camera.id}>
          <a class="row" href={href(session.role, session.serial, 'cameras', camera.id)} data-test={`camera-${camera.id}`}>
            <span>
              <strong data-test={`camera-name-${camera.id}`}>{camera.name}</strong>
              <span class="hint">{[camera.manufacturer, camera.model].filter((text) => text !== '').join(' ')}</span>
            </span>
            <CameraState camera={camera} />
          </a>
        </li>
      ))}
    </ul>
  );
}

/** Cameras that grants name, for who may watch them but not see the list. */
export function GrantedCameras({ session }: { readonly session: RecorderSession }) {
  const grants = session.permissions.value?.grants ?? [];
  const ids = [...new Set(grants.filter((grant) => grant.state === 'in-force').flatMap((grant) => grant.cams ?? []))].sort();
  return (
    <ul class="list" data-test="cameras">
      {ids.map((id) => (
        <li key={id}>
          <a class="row" href={href(session.role, session.serial, 'cameras', id)} data-test={`camera-${id}`}>
            <strong>{t.camUnnamed(id)}</strong>
          </a>
        </li>
      ))}
    </ul>
  );
}
