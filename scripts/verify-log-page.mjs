/**
 * The page around verify-log.mjs (verify-log-page.html), for those who have an export and nothing else: drop the file, read the verdict. Joined with that
 * very file into one document without anything beside it, so that it works from a disk too (scripts/portal/verify-page.ts). It stores and sends nothing.
 */
import { linesIn, verifyLog } from './verify-log.mjs';

/** Others have their turn after so long: the page stays alive over a log of hundreds of thousands of rows. */
const SLICE_MS = 40;
const at = (id) => document.getElementById(id);
let turn = 0;

/** The text of a file as it comes, a mark at its beginning included: what that means verify-log.mjs decides, here as in a terminal. */
async function* textOf(file) {
  const reader = file
    .stream()
    .pipeThrough(new TextDecoderStream('utf-8', { ignoreBOM: true }))
    .getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value;
}

/** The lines of a file, without ever having all of it in memory. `onLines` is told how many there were. */
async function* linesOf(file, onLines) {
  let [count, since] = [0, performance.now()];
  for await (const line of linesIn(textOf(file))) {
    yield line;
    count += 1;
    if (performance.now() - since < SLICE_MS) continue;
    onLines(count);
    await new Promise((resolve) => setTimeout(resolve, 0));
    since = performance.now();
  }
}

/** What a person must know beside the verdict. */
function notesOn(report) {
  const notes = [];
  if (report.beginsAt > 0)
    notes.push(`Rows 1 to ${report.beginsAt} were taken out by the owner’s rule; a signed checkpoint stands for them.`);
  if (report.signedSize < report.size)
    notes.push(`The rows from ${report.signedSize + 1} on are not signed yet: the chain alone holds them.`);
  if (report.erasedDetails > 0)
    notes.push(`Beside ${report.erasedDetails} rows something was erased, as a person asked; the rows are whole.`);
  if (report.witness === null) notes.push('Whether rows are missing at the end shows only against a checkpoint from outside.');
  if (report.witness === 'not reached') notes.push('The checkpoint from outside speaks of rows that were taken out.');
  if (report.witness === 'met') notes.push('The log goes on from the checkpoint from outside.');
  notes.push('Whose key it is no file can prove: compare it with the one that the owner’s app shows.');
  return notes;
}

const factsOf = (report) => [
  ['Recorder', report.device ?? 'not known'],
  ['Rows', String(report.rows)],
  ['Signed checkpoints', String(report.checkpoints)],
  ['People named', String(report.people)],
  ['Key', report.thumbprint, 'hash'],
  ['Head', report.head, 'hash'],
  ['Root', report.root, 'hash'],
];

const made = (tag, text, className = '') => Object.assign(document.createElement(tag), { textContent: text, className });

/** The verdict in a sentence, and what it rests on. */
function sentencesOn(report, name) {
  const { isOk, problem, device } = report;
  if (isOk) return ['✓ The log is whole.', `${name}: ${report.rows} rows of recorder ${device}.`];
  // An anchor that nobody signed stands in a file that is a log for all that.
  if (device === null && ['header', 'edit'].includes(problem.kind))
    return ['✕ This is no exported log.', `${name} does not begin as a file of “sightline log export” does.`];
  return ['✕ The log was changed.', `${problem.say}${problem.seq < 1 ? '' : ` First row that is wrong: ${problem.seq}.`}`];
}

function show(report, name) {
  const { isOk, problem, device } = report;
  const [title, say] = sentencesOn(report, name);
  at('verdict').className = isOk ? 'ok' : 'bad';
  at('verdict').replaceChildren(made('strong', title), say);
  at('verdict').dataset.kind = isOk ? 'whole' : problem.kind;
  at('notes').replaceChildren(...(isOk ? notesOn(report) : []).map((note) => made('li', note)));
  at('facts').replaceChildren(
    ...(device === null ? [] : factsOf(report)).flatMap(([term, value, kind]) => [made('dt', term), made('dd', value, kind)]),
  );
  at('answer').hidden = false;
  at('answer').focus();
}

async function verify(file) {
  turn += 1;
  const mine = turn;
  at('answer').hidden = true;
  const tell = (text) => {
    if (mine === turn) at('progress').textContent = text;
  };
  tell(`Reading ${file.name} …`);
  const witness = at('checkpoint').value.trim();
  const lines = linesOf(file, (count) => tell(`${count} lines of ${file.name} so far …`));
  const report = await verifyLog(lines, witness === '' ? undefined : witness);
  tell('');
  // Another file was dropped meanwhile: its answer is the one that is waited for.
  if (mine === turn) show(report, file.name);
}

const drop = at('drop');
for (const name of ['dragenter', 'dragover', 'dragleave', 'drop'])
  addEventListener(name, (event) => {
    // A file that is dropped beside the field would be opened instead of this page.
    event.preventDefault();
    drop.classList.toggle('over', name === 'dragenter' || name === 'dragover');
    const [file] = name === 'drop' ? event.dataTransfer.files : [];
    if (file !== undefined) void verify(file);
  });
at('file').addEventListener('change', ({ target }) => {
  const [file] = target.files;
  if (file !== undefined) void verify(file);
  // The same file again is a change too.
  target.value = '';
});
