import { useEffect, useState } from 'preact/hooks';
import { thumbprint } from '../../../../agent/contract/jws.js';
import type { PublicJwk } from '../../../../agent/contract/shapes.js';
import { readKeyText } from '../../client/handed-text.js';
import { moment, shortPrint } from '../format.js';
import { Button, Card, Check, Done, Problem } from '../parts/basics.js';
import { ShowText } from '../parts/show-text.js';
import { TakeOfferBack } from '../parts/take-offer-back.js';
import { TakeText } from '../parts/take-text.js';
import { pageAddress } from '../router.js';
import { useApp } from '../state/context.js';
import { isOpenOffer, makeOffer } from '../state/ownership-acts.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { useAnswer } from '../state/use-answer.js';
import { tt } from '../trust-words.js';

/** The old owner's page: reads the new owner's key, decides about the names, and shows the offer. Nothing changes here before it is accepted. */
export function HandOverPage({ session }: { readonly session: RecorderSession }) {
  const app = useApp();
  const [key, setKey] = useState<PublicJwk>();
  const [news, setNews] = useState<string>();
  // What is on the screen must be what was chosen.
  const [isOther, setOther] = useState(false);
  const heard = useAnswer(session, 'permissions.list', {}, { on: ['permissions'] }).data;
  const offer = app.owned.value.find((one) => one.serial === session.serial)?.offer;
  const isOpen = offer !== undefined && !isOther && isOpenOffer(offer, heard);
  const newKey = (read: PublicJwk | undefined): void => {
    setKey(read);
    setOther(true);
  };
  return (
    <>
      <p>{tt.handIntro}</p>
      <div aria-live="polite">{news !== undefined && <Done test="offer-news">{news}</Done>}</div>
      {(!isOpen || key !== undefined) && <ReadKey known={key} onKey={newKey} />}
      {key !== undefined && (
        <Offer
          session={session}
          to={key}
          isMade={isOpen}
          onChoose={() => setOther(true)}
          onMade={() => {
            setOther(false);
            setNews(undefined);
          }}
        />
      )}
      {isOpen && (
        <Card title={key === undefined ? tt.handOpen(moment(offer.exp, app.now.value)) : tt.handStep3}>
          <p>{tt.handStep3Text}</p>
          <ShowText test="offer" what={tt.handOverTitle} text={offer.link} label={tt.qrLink} />
          <p class="hint">{tt.handAfter}</p>
          <TakeOfferBack
            session={session}
            onDone={(sentence) => {
              setNews(sentence);
              setKey(undefined);
            }}
          />
        </Card>
      )}
    </>
  );
}

/** Step 1. */
function ReadKey({ known, onKey }: { readonly known: PublicJwk | undefined; onKey(key: PublicJwk | undefined): void }) {
  return (
    <Card title={tt.handStep1}>
      <p>{tt.handStep1Text}</p>
      {known === undefined ? (
        <TakeText test="key" label={tt.handKeyLabel} read={readKeyText} onRead={onKey} />
      ) : (
        <>
          <KeyKnown of={known} />
          <Button test="key-other" onPress={() => onKey(undefined)}>
            {tt.handKeyOther}
          </Button>
        </>
      )}
    </Card>
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
  /** It is on the screen. */
  readonly isMade: boolean;
  onChoose(): void;
  onMade(): void;
}

function Offer({ session, to, isMade, onChoose, onMade }: OfferProps) {
  const app = useApp();
  const act = useAct();
  const [isErasing, setErasing] = useState(false);
  const make = (): void =>
    act.run(async () => {
      await makeOffer(app, session, to, isErasing, pageAddress());
      onMade();
    });
  const choose = (isChosen: boolean): void => {
    setErasing(isChosen);
    onChoose();
  };
  return (
    <Card title={tt.handStep2}>
      <Check test="erase-people" label={tt.handErase} isChecked={isErasing} onChange={choose} />
      <p class="hint">{tt.handEraseHint}</p>
      {act.error !== undefined && <Problem error={act.error} test="hand-over-problem" />}
      {!isMade && (
        <Button test="offer-make" kind="main" isBusy={act.isBusy} busyText={tt.handMaking} onPress={make}>
          {tt.handMake}
        </Button>
      )}
    </Card>
  );
}
