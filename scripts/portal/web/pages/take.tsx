import { useEffect, useState } from 'preact/hooks';
import type { HandOverOffer } from '../../../../agent/contract/statements.js';
import type { AgentError } from '../../../../agent/kernel/errors.js';
import { readOffer } from '../../client/hand-over.js';
import { type Handed, readHanded } from '../../client/handed-text.js';
import { moment } from '../format.js';
import { Card, Facts, Problem, Skeleton } from '../parts/basics.js';
import { ConsentForm } from '../parts/consent-form.js';
import { ConsentText, OperatorCard } from '../parts/consent-text.js';
import { OwnKey } from '../parts/own-key.js';
import { Shell } from '../parts/shell.js';
import { TakeText } from '../parts/take-text.js';
import { href, type Path, replace } from '../router.js';
import { useApp } from '../state/context.js';
import { takeOver } from '../state/ownership-acts.js';
import { tellable } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { useSpareKey } from '../state/use-spare-key.js';
import { tt } from '../trust-words.js';
import { t } from '../words.js';
import { readAddress } from './join.js';

const readOfferText = (text: string): Handed => readHanded('take', text);

/** The new owner's page: shows this device's key, reads the offer that was made to it, consents and accepts. */
export function TakePage({ rest }: { readonly rest: Path }) {
  const address = readAddress(rest, readOfferText);
  const [handed, setHanded] = useState(address.read);
  return (
    <Shell title={tt.takeTitle} back={{ to: href('own'), label: t.ownTitle }}>
      {address.error !== undefined && handed === undefined && <Problem error={address.error} test="take-problem" />}
      {handed !== undefined && <Offered handed={handed} onOther={() => setHanded(undefined)} />}
      {handed === undefined && (
        <>
          <p>{tt.takeIntro}</p>
          <OwnKey what={tt.takeTitle} />
          <Card title={tt.takeStep2}>
            <p>{tt.takeStep2Text}</p>
            <TakeText test="take" label={tt.takeLabel} read={readOfferText} onRead={setHanded} />
          </Card>
        </>
      )}
    </Shell>
  );
}

/** An offer that was read: for this device, or why not. */
function Offered({ handed, onOther }: { readonly handed: Handed; onOther(): void }) {
  const { key } = useSpareKey();
  const [offer, setOffer] = useState<HandOverOffer>();
  const [error, setError] = useState<AgentError>();
  useEffect(() => {
    if (key === undefined) return undefined;
    let isCurrent = true;
    readOffer(handed, key.publicKey).then(
      (read) => isCurrent && setOffer(read),
      (thrown: unknown) => isCurrent && setError(tellable(thrown)),
    );
    return () => {
      isCurrent = false;
    };
  }, [key, handed]);
  if (error !== undefined) return <Problem error={error} test="take-problem" onRetry={onOther} />;
  return offer === undefined ? <Skeleton /> : <Taking handed={handed} offer={offer} />;
}

function Taking({ handed, offer }: { readonly handed: Handed; readonly offer: HandOverOffer }) {
  const app = useApp();
  const act = useAct();
  return (
    <>
      <Card title={tt.takeFacts} test="take-facts">
        <Facts
          rows={[
            [tt.takeSerial, <span class="mono">{handed.serial}</span>],
            [tt.takeUntil, moment(offer.exp, app.now.value)],
            [tt.takeErased, offer.erasePeople ? tt.takeErasedYes : tt.takeErasedNo],
          ]}
        />
      </Card>
      <OperatorCard operator={handed.operator} />
      <ConsentText />
      <ConsentForm
        test="take"
        act={act}
        doText={tt.takeDo}
        busyText={tt.takeDoing}
        onFinish={(part) =>
          act.run(async () => {
            await takeOver(app, handed, offer, part);
            replace('own', handed.serial);
          })
        }
      />
    </>
  );
}
