import { useState } from 'preact/hooks';
import { Button, Done, Problem } from '../parts/basics.js';
import { CameraAdd } from '../parts/camera-add.js';
import { CameraList, GrantedCameras } from '../parts/camera-list.js';
import { Loaded } from '../parts/loaded.js';
import { NotAllowed, Wall } from '../parts/wall.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { useAnswer } from '../state/use-answer.js';
import { t } from '../words.js';

/** All cameras, and a search for more. */
export function CamerasPage({ session }: { readonly session: RecorderSession }) {
  const maySee = session.may('site-information');
  const site = useAnswer(session, 'site.get', {}, { on: ['cameras', 'config'], isWanted: maySee });
  if (!maySee && session.may('live-view')) {
    return (
      <>
        <GrantedCameras session={session} />
        <NotAllowed session={session} scope="site-information" sentence={t.wall(t.scopeDo['site-information'])} />
      </>
    );
  }
  return (
    <Wall session={session} scope="site-information">
      <Loaded answer={site}>{(data) => <CameraList session={session} cameras={data.cameras} />}</Loaded>
      {session.may('remote-configuration') && (
        <>
          <Search session={session} onFound={site.reload} />
          <CameraAdd session={session} onAdded={site.reload} />
        </>
      )}
    </Wall>
  );
}

function Search({ session, onFound }: { readonly session: RecorderSession; onFound(): void }) {
  const [found, setFound] = useState<number>();
  const act = useAct();
  const search = (): void =>
    act.run(async () => {
      setFound(undefined);
      const answer = await session.link.call('cameras.discover', {}, { timeoutMs: 30_000 });
      setFound(answer.found.length);
      onFound();
    });
  return (
    <div class="actions">
      <Button test="cameras-search" isBusy={act.isBusy} busyText={t.camerasSearching} onPress={search}>
        {t.camerasSearch}
      </Button>
      {found !== undefined && <Done>{t.camerasFound(found)}</Done>}
      {act.error !== undefined && <Problem error={act.error} />}
    </div>
  );
}
