import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { AnswerOf } from '../../../../agent/contract/operations.js';
import { percent } from '../format.js';
import { tl } from '../log-texts.js';
import { Button, Card, Check, Done, Empty, Facts, Field, Problem, When } from '../parts/basics.js';
import { Loaded } from '../parts/loaded.js';
import { LogEvidence } from '../parts/log-evidence.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { type Act, useAct } from '../state/use-act.js';
import { useAnswer } from '../state/use-answer.js';
import { t } from '../words.js';

interface PageProps {
  readonly session: RecorderSession;
}

/** What the owner decides about the log: how long it is kept, whom it forgets, and what happens after an incident. */
export function CarePage({ session }: PageProps) {
  const kept = useAnswer(session, 'log.kept', {});
  return (
    <>
      <Loaded answer={kept}>
        {(rule) => (
          <>
            <Incident session={session} since={rule.incidentSince} onDone={kept.reload} />
            <Retention key={JSON.stringify(rule)} session={session} rule={rule} onDone={kept.reload} />
          </>
        )}
      </Loaded>
      <Forgetting session={session} />
    </>
  );
}

interface SureProps {
  readonly test: string;
  readonly label: string;
  readonly question: ComponentChildren;
  readonly sure: string;
  readonly act: Act;
  readonly isDisabled?: boolean;
  onSure(): Promise<void>;
}

/** A button for what cannot be taken back: asks once more. */
function Sure({ test, label, question, sure, act, isDisabled = false, onSure }: SureProps) {
  const [isAsked, setAsked] = useState(false);
  if (!isAsked) {
    return (
      <Button test={test} kind="danger" isDisabled={isDisabled} onPress={() => setAsked(true)}>
        {label}
      </Button>
    );
  }
  return (
    <div>
      <p role="status">{question}</p>
      <div class="actions">
        <Button test={`${test}-sure`} kind="danger" isBusy={act.isBusy} onPress={() => act.run(() => onSure().then(() => setAsked(false)))}>
          {sure}
        </Button>
        <Button test={`${test}-cancel`} onPress={() => setAsked(false)}>
          {t.cancel}
        </Button>
      </div>
    </div>
  );
}

function Incident({ session, since, onDone }: PageProps & { readonly since: number | null; onDone(): void }) {
  const act = useAct();
  const [note, setNote] = useState('');
  const [news, setNews] = useState<{ readonly say: string; readonly left: readonly string[] }>();
  const finish = (say: string, left: readonly string[]): void => {
    setNews({ say, left });
    setNote('');
    onDone();
  };
  const open = async (): Promise<void> => {
    const { grants, sessionsEnded, left } = await session.link.call('incident.open', { note: note.trim() }, { timeoutMs: 30_000 });
    finish(tl.incidentDone(grants, sessionsEnded), left);
  };
  const close = (): void =>
    act.run(async () => finish(tl.incidentClosed((await session.link.call('incident.close', { note: note.trim() })).seq), []));
  const isEmpty = note.trim() === '';
  return (
    <Card title={tl.incidentTitle} test="incident">
      {since === null ? (
        <p>{tl.incidentIntro}</p>
      ) : (
        <p data-test="incident-open-since">
          {tl.incidentSince} <When at={since} />. {tl.incidentHeld}
        </p>
      )}
      {since !== null && <LogEvidence session={session} since={since} />}
      <Field
        test="incident-note"
        label={since === null ? tl.incidentNote : tl.incidentWhat}
        value={note}
        maxLength={500}
        onValue={setNote}
      />
      {act.error !== undefined && <Problem error={act.error} />}
      {since === null ? (
        <Sure
          test="incident-open"
          label={tl.incidentDo}
          question={tl.incidentSure}
          sure={tl.incidentYes}
          act={act}
          isDisabled={isEmpty}
          onSure={open}
        />
      ) : (
        <Button test="incident-close" kind="main" isBusy={act.isBusy} isDisabled={isEmpty} onPress={close}>
          {tl.incidentClose}
        </Button>
      )}
      {news !== undefined && <Done test="incident-news">{news.say}</Done>}
      {news?.left.map((say) => (
        <p key={say} class="field-error">
          {say}
        </p>
      ))}
    </Card>
  );
}

function Retention({ session, rule, onDone }: PageProps & { readonly rule: AnswerOf<'log.kept'>; onDone(): void }) {
  const act = useAct();
  const [days, setDays] = useState(String(rule.days));
  const [rows, setRows] = useState(String(rule.rows));
  const [isHeld, setHeld] = useState(rule.isHeld);
  const isWrong = (text: string, least: number, most: number): boolean =>
    !(/^\d+$/.test(text) && Number(text) >= least && Number(text) <= most);
  const wrongDays = isWrong(days, 30, 3_650) ? tl.keepDaysHint : undefined;
  const wrongRows = isWrong(rows, 10_000, 1_000_000) ? tl.keepRowsHint : undefined;
  const save = (): void =>
    act.run(async () => {
      await session.link.call('log.retention', { days: Number(days), rows: Number(rows), isHeld });
      onDone();
    });
  const isSame = days === String(rule.days) && rows === String(rule.rows) && isHeld === rule.isHeld;
  return (
    <Card title={tl.keepTitle} test="retention">
      <Facts rows={[[tl.keepFull, percent(rule.fullness), 'retention-full']]} />
      {rule.fullness >= 0.8 && <p>{tl.keepNearly}</p>}
      <Field
        test="retention-days"
        label={tl.keepDays}
        value={days}
        inputMode="numeric"
        hint={tl.keepDaysHint}
        error={wrongDays}
        onValue={setDays}
      />
      <Field
        test="retention-rows"
        label={tl.keepRows}
        value={rows}
        inputMode="numeric"
        hint={tl.keepRowsHint}
        error={wrongRows}
        onValue={setRows}
      />
      <Check test="retention-hold" label={tl.keepHold} isChecked={isHeld} isDisabled={rule.incidentSince !== null} onChange={setHeld} />
      {act.error !== undefined && <Problem error={act.error} />}
      <Button
        test="retention-save"
        isBusy={act.isBusy}
        isDisabled={isSame || wrongDays !== undefined || wrongRows !== undefined}
        onPress={save}
      >
        {tl.keepSave}
      </Button>
    </Card>
  );
}

function Forgetting({ session }: PageProps) {
  const find = useAct();
  const [text, setText] = useState('');
  const [found, setFound] = useState<AnswerOf<'log.people'>>();
  const [gone, setGone] = useState('');
  const look = (): void =>
    find.run(async () => {
      setGone('');
      setFound(await session.link.call('log.people', { text: text.trim() }));
    });
  const forgotten = (ref: string, say: string): void => {
    setGone(say);
    setFound((before) => before && { ...before, people: before.people.filter((one) => one.ref !== ref) });
  };
  return (
    <Card title={tl.eraseTitle} test="erase">
      <p>{tl.eraseIntro}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          look();
        }}
      >
        <Field test="erase-text" label={tl.eraseFind} value={text} maxLength={254} onValue={setText} />
        <Button test="erase-look" isBusy={find.isBusy}>
          {tl.eraseLook}
        </Button>
      </form>
      {find.error !== undefined && <Problem error={find.error} />}
      {gone !== '' && <Done test="erase-done">{gone}</Done>}
      {found?.people.length === 0 && gone === '' && <Empty title={tl.eraseNobody} />}
      <ul class="list">
        {found?.people.map((person) => (
          <Person key={person.ref} session={session} person={person} onGone={(say) => forgotten(person.ref, say)} />
        ))}
      </ul>
      {found?.isMore === true && <p class="hint">{tl.eraseMore}</p>}
    </Card>
  );
}

interface PersonProps extends PageProps {
  readonly person: AnswerOf<'log.people'>['people'][number];
  onGone(say: string): void;
}

function Person({ session, person, onGone }: PersonProps) {
  const act = useAct();
  const { ref, name, email } = person;
  const erase = async (): Promise<void> => {
    const { seq, stillIn } = await session.link.call('log.erase', { ref }, { timeoutMs: 60_000 });
    onGone(stillIn.length === 0 ? tl.eraseDone(seq) : tl.erasePartly(seq, stillIn.join(', ')));
  };
  return (
    <li class="row">
      <span>
        <strong>{name}</strong>
        <span class="hint block">{email}</span>
      </span>
      <span>
        {act.error !== undefined && <Problem error={act.error} />}
        <Sure test="erase-person" label={tl.eraseDo} question={tl.eraseSure(name)} sure={tl.eraseDo} act={act} onSure={erase} />
      </span>
    </li>
  );
}
