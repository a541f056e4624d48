import type { ComponentChildren } from 'preact';
import type { CameraInfo } from '../../../../agent/contract/views.js';
import { ago } from '../format.js';
import { tr } from '../recorder-texts.js';
import { href } from '../router.js';
import { useApp } from '../state/context.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { Empty, type Level, LevelIcon } from './basics.js';

const LEVELS: Record<CameraInfo['state'], Level> = {
  unknown: 'attention',
  reachable: 'attention',
  unauthorized: 'act',
  online: 'ok',
  fault: 'act',
};

/** Lost pictures and tampering cannot wait. */
export const ALARM_LEVELS: Record<NonNullable<CameraInfo['alarms']>[number], Level> = {
  'video-loss': 'act',
  tamper: 'act',
  'hardware-failure': 'attention',
};

/** The state of a camera in a word and a sign, what it complains of itself, and when it was seen. */
export function CameraState({ camera }: { readonly camera: CameraInfo }) {
  const { now } = useApp();
  const seen = camera.state !== 'online' && camera.lastSeenAt !== null ? `, ${tr.camLastSeen(ago(camera.lastSeenAt, now.value))}` : '';
  return (
    <span class="camera-state" data-test={`camera-state-${camera.id}`} data-state={camera.state}>
      <LevelIcon level={LEVELS[camera.state]} /> {tr.camState[camera.state]}
      {seen}
      {(camera.alarms ?? []).map((alarm) => (
        <span key={alarm} class="camera-alarm" data-test={`camera-alarm-${camera.id}`} data-alarm={alarm}>
          <LevelIcon level={ALARM_LEVELS[alarm]} /> {tr.camAlarm[alarm]}
        </span>
      ))}
    </span>
  );
}

interface CameraListProps {
  readonly session: RecorderSession;
  readonly cameras: readonly CameraInfo[];
  /** What stands beside each camera besides words; nothing where it gives null. */
  still?(camera: CameraInfo): ComponentChildren;
}

/** Cameras as rows that lead to their pages. */
export function CameraList({ session, cameras, still }: CameraListProps) {
  if (cameras.length === 0) return <Empty title={tr.camerasEmpty} hint={tr.camerasEmptyHint} />;
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
            {still?.(camera)}
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
            <strong>{tr.camUnnamed(id)}</strong>
          </a>
        </li>
      ))}
    </ul>
  );
}
