import { useEffect, useState } from 'preact/hooks';
import { thumbprint } from '../../../../agent/contract/jws.js';
import type { PublicJwk } from '../../../../agent/contract/shapes.js';
import { handedLink, readKeyText } from '../../client/handed-text.js';
import { Button, Card, Check, Done, Problem } from '../parts/basics.js';
import { ShowText } from '../parts/show-text.js';
import { TakeText } from '../parts/take-text.js';
import { pageAddress } from '../router.js';
import { useApp } from '../state/context.js';
import { withdraw } from '../state/owner-acts.js';
import { makeOfferText } from '../state/ownership-acts.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { tt } from '../trust-words.js';

/** The first characters of a key's thumbprint, in groups that can be read out. */
export const shortPrint = (print: string): string => print.slice(0, 12).replace(/(.{4})(?=.)/g, '$1 ');

/** The old owner's page: reads the new owner's key, decides about the names, and shows the offer. Nothing changes here before it is accepted. */
export function HandOverPage({ session }: { readonly session: RecorderSession }) {
  const [key, setKey] = useState<PublicJwk>();
  return (
    <>
      <p>{tt.handIntro}</p>
      <Card title={tt.handStep1}>
        <p>{tt.handStep1Text}</p>
        {key === undefined ? (
          <TakeText test="key" label={tt.handKeyLabel} read={readKeyText} onRead={setKey} />
        ) : (
          <>
            <KeyKnown of={key} />
            <Button test="key-other" onPress={() => setKey(undefined)}>
              {tt.handKeyOther}
            </Button>
          </>
        )}
      </Card>
      {key !== undefined && <Offer session={session} to={key} />}
    </>
  );
}

function KeyKnown({ of }: { readonly of: PublicJwk }) {
  const [print, setPrint] = useState('');
  useEffect(() => {
    let isCurrent = true;
    void thumbprint(of).then((text) => isCurrent && setPrint(shortPrint(text)));
    return () => {
      isCurrent = false;
    };
  }, [of]);
  return (
    <p role="status" data-test="key-known">
      {tt.handKeyRead(print)}
    </p>
  );
}

interface OfferProps {
  readonly session: RecorderSession;
  readonly to: PublicJwk;
}

function Offer({ session, to }: OfferProps) {
  const app = useApp();
  const act = useAct();
  const [isErasing, setErasing] = useState(false);
  const [link, setLink] = useState<string>();
  const [news, setNews] = useState<string>();
  const make = (): void =>
    act.run(async () => {
      setLink(handedLink(pageAddress(), 'take', await makeOfferText(app, session, to, isErasing)));
      setNews(undefined);
    });
  const choose = (isChosen: boolean): void => {
    setErasing(isChosen);
    // What is on the screen must be what was chosen.
    setLink(undefined);
  };
  return (
    <>
      <Card title={tt.handStep2}>
        <Check test="erase-people" label={tt.handErase} isChecked={isErasing} onChange={choose} />
        <p class="hint">{tt.handEraseHint}</p>
        {act.error !== undefined && <Problem error={act.error} test="hand-over-problem" />}
        {link === undefined && (
          <Button test="offer-make" kind="main" isBusy={act.isBusy} busyText={tt.handMaking} onPress={make}>
            {tt.handMake}
          </Button>
        )}
        <div aria-live="polite">{news !== undefined && <Done test="offer-news">{news}</Done>}</div>
      </Card>
      {link !== undefined && (
        <Card title={tt.handStep3}>
          <p>{tt.handStep3Text}</p>
          <ShowText test="offer" what={tt.handOverTitle} text={link} label={tt.qrLink} />
          <p class="hint">{tt.handAfter}</p>
          <TakeBack
            session={session}
            onDone={(sentence) => {
              setLink(undefined);
              setNews(sentence);
            }}
          />
        </Card>
      )}
    </>
  );
}

/** An offer is void as soon as everything was withdrawn: that is the one thing which the recorder can be told about it. */
function TakeBack({ session, onDone }: { readonly session: RecorderSession; onDone(sentence: string): void }) {
  const app = useApp();
  const act = useAct();
  const takeBack = (): void =>
    act.run(async () => {
      const permissions = await session.link.call('permissions.list', {});
      const outcome = await withdraw(app, session, permissions, 'all');
      onDone(outcome.kind === 'done' ? tt.handBacked : tt.handBackWaits);
    });
  return (
    <div class="actions actions-apart">
      {act.error !== undefined && <Problem error={act.error} test="hand-over-problem" />}
      <Button test="offer-back" kind="danger" isBusy={act.isBusy} busyText={tt.handBacking} onPress={takeBack}>
        {tt.handBack}
      </Button>
      <p class="hint">{tt.handBackHint}</p>
    </div>
  );
}
