import { useEffect, useState } from 'preact/hooks';
import type { SiteLetter } from '../../../../agent/contract/views.js';
import { followSiteLetter } from '../../client/site-letters.js';
import { ago } from '../format.js';
import { tr } from '../recorder-texts.js';
import { useApp } from '../state/context.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { tt } from '../trust-words.js';
import { t } from '../words.js';
import { Card, Empty, Facts, Skeleton } from './basics.js';

/** Longest wait for a letter that the relay keeps: it comes within a round trip. */
const WAIT_MS = 3_000;

/** The newest letter under the grant that is remembered; null when there is none. */
function useSiteLetter(session: RecorderSession): SiteLetter | null | undefined {
  const { services, served, signedIn } = useApp();
  const [letter, setLetter] = useState<SiteLetter | null>();
  const deviceKey = session.status.value?.key;
  const sealKey = signedIn.value?.seal ?? null;
  const grant = served.value.find((one) => one.serial === session.serial)?.siteGrant ?? null;
  useEffect(() => {
    if (deviceKey === undefined) return undefined;
    if (sealKey === null || grant === null) {
      setLetter(null);
      return undefined;
    }
    let stop = (): void => undefined;
    let isGone = false;
    const none = (): void => setLetter((before) => before ?? null);
    const timer = setTimeout(none, WAIT_MS);
    const scope = { tenant: services.tenant, serial: session.serial };
    followSiteLetter({ transport: services.transport, scope, deviceKey, sealKey, grant }, (heard) => {
      if (!isGone) setLetter(heard ?? null);
    }).then((end) => {
      stop = end;
      if (isGone) end();
    }, none);
    return () => {
      isGone = true;
      clearTimeout(timer);
      stop();
    };
  }, [deviceKey?.x, sealKey, grant]);
  return letter;
}

/** What an organisation may know of a site while its recorder is away: signed by the recorder, opened here, and as old as it says. */
export function SiteLetterCard({ session }: { readonly session: RecorderSession }) {
  const { now } = useApp();
  const letter = useSiteLetter(session);
  if (letter === undefined) return <Skeleton lines={4} />;
  if (letter === null) return <Empty title={tt.letterNone} hint={t.awayEmpty} />;
  return (
    <Card title={tt.letterTitle} test="site-letter">
      <p class="hint">{tt.letterFrom(ago(letter.at, now.value))}</p>
      <div class="loaded stale">
        <Facts
          rows={[
            [tt.letterSite, letter.site],
            [tr.setRecorderName, letter.recorderName],
            [tr.siteModel, letter.model],
            [tr.siteSerial, <span class="mono">{letter.dev}</span>],
            [tr.siteVersion, letter.firmware],
          ]}
        />
        <h3>{t.navCameras}</h3>
        {letter.cameras.length === 0 ? (
          <p>{tr.camerasEmpty}</p>
        ) : (
          <ul class="list">
            {letter.cameras.map(({ id, name, model, serial }) => (
              <li key={id}>{tt.letterCamera(name, model, serial)}</li>
            ))}
          </ul>
        )}
      </div>
    </Card>
  );
}
