import { useState } from 'preact/hooks';
import type { CameraInfo } from '../../../../agent/contract/views.js';
import { Button, ButtonLink } from '../parts/basics.js';
import { CameraList, GrantedCameras } from '../parts/camera-list.js';
import { Still } from '../parts/camera-still.js';
import { Loaded } from '../parts/loaded.js';
import { NotAllowed, Wall } from '../parts/wall.js';
import { tr } from '../recorder-texts.js';
import { href } from '../router.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAnswer } from '../state/use-answer.js';
import { t } from '../words.js';

/** All cameras, what they look at for whom may see it, and the way to more of them. */
export function CamerasPage({ session }: { readonly session: RecorderSession }) {
  const maySee = session.may('site-information');
  const site = useAnswer(session, 'site.get', {}, { on: ['cameras', 'config'], isWanted: maySee });
  // A picture is asked for only because somebody wants it: each is an act in the log.
  const [hasStills, setStills] = useState(false);
  if (!maySee && session.may('live-view')) {
    return (
      <>
        <GrantedCameras session={session} />
        <NotAllowed session={session} scope="site-information" sentence={t.wall(t.scopeDo['site-information'])} />
      </>
    );
  }
  const canShow = ({ id, state }: CameraInfo): boolean => state === 'online' && session.may('live-view', id);
  const cameras = site.data?.cameras ?? [];
  return (
    <Wall session={session} scope="site-information">
      <Loaded answer={site}>
        {(data) => (
          <CameraList
            session={session}
            cameras={data.cameras}
            still={(camera) => hasStills && canShow(camera) && <Still session={session} cam={camera.id} name={camera.name} />}
          />
        )}
      </Loaded>
      <div class="actions">
        {!hasStills && cameras.some(canShow) && (
          <Button test="cameras-stills" isDisabled={!session.isReachable} onPress={() => setStills(true)}>
            {tr.camerasStills}
          </Button>
        )}
        {session.may('remote-configuration') && (
          <ButtonLink
            test="cameras-add"
            kind={cameras.length === 0 ? 'main' : 'plain'}
            to={href(session.role, session.serial, 'cameras', 'add')}
          >
            {tr.camerasAdd}
          </ButtonLink>
        )}
      </div>
    </Wall>
  );
}
