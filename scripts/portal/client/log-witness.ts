import { sha256 } from '@noble/hashes/sha2.js';
import { verifyStatement } from '../../../agent/contract/jws.js';
import type { LogFinding, LogProof, WitnessAnswer } from '../../../agent/contract/log-views.js';
import type { PublicJwk } from '../../../agent/contract/shapes.js';
import { Checkpoint } from '../../../agent/contract/statements.js';
import { utf8 } from '../../../agent/contract/text.js';
import { AgentError } from '../../../agent/kernel/errors.js';
import { type Hash, leafHash } from '../../../agent/operation-log/chain.js';
import { isConsistent, isIncluded } from '../../../agent/operation-log/proof.js';
import type { RecorderCall } from './recorder-call.js';

/** Where the app remembers the newest checkpoint (checkpoint+jws) of one recorder that it was convinced of. */
export interface WitnessMemory {
  load(): Promise<string | null>;
  save(checkpoint: string): Promise<void>;
}

/** The recorder whose log is watched. */
export interface WitnessedRecorder {
  readonly client: RecorderCall;
  readonly serial: string;
  /** Its key, already known to be the right one. */
  readonly deviceKey: PublicJwk;
}

/**
 * `first`: nothing was known before, from now on it is · `whole`: the log goes on from everything that was known · `shortened`: what was known lies
 * before the rows that the owner's rule has taken out, so nothing can be proven of it · `unproven`: the recorder gave no proof, which it always can
 * when nothing is wrong · `changed`: rows are gone, or other ones stand in their place.
 */
export type WitnessVerdict = 'first' | 'whole' | 'shortened' | 'unproven' | 'changed';

/** The outcome of one look. */
export interface WitnessReport {
  readonly verdict: WitnessVerdict;
  /** For `unproven` and `changed`: what is wrong, and from which row on. */
  readonly finding: LogFinding | null;
  /** The recorder's newest checkpoint, verified; null when it gave none. */
  readonly newest: Checkpoint | null;
}

interface Held {
  readonly statement: string;
  readonly by: 'owner' | 'relay';
  readonly checkpoint: Checkpoint;
}

const RANK: Readonly<Record<WitnessVerdict, number>> = { first: 0, whole: 1, shortened: 2, unproven: 3, changed: 4 };

/** `sha256` of the parts one after another, as the proofs are checked with. */
const hash: Hash = (...parts) => {
  const sum = sha256.create();
  for (const part of parts) sum.update(part);
  return sum.digest();
};

/**
 * The owner's app as a witness of the operation log: hands in what it remembers and what lies at the relay (`fromRelay`, checkpoint+jws; null for
 * nothing), and believes the recorder only after it has worked out itself that the log goes on from both. Remembers the newest checkpoint, unless
 * something is wrong: then the old one is the evidence. What this recorder never signed is no witness of it. Rejects as the client and the memory do.
 */
export async function watchLog(recorder: WitnessedRecorder, memory: WitnessMemory, fromRelay: string | null): Promise<WitnessReport> {
  const remembered = await heldFrom(recorder, await memory.load(), 'owner');
  const relayed = await heldFrom(recorder, fromRelay, 'relay');
  const held = [remembered, relayed].filter((one) => one !== undefined);
  let worst: WitnessReport | undefined;
  let newest: Held | undefined = remembered;
  for (const one of held.length === 0 ? [null] : held) {
    const { report, said } = await askWith(recorder, one);
    if (worst === undefined || RANK[report.verdict] > RANK[worst.verdict]) worst = report;
    if (said !== undefined && said.checkpoint.size > (newest?.checkpoint.size ?? 0)) newest = said;
  }
  if (worst === undefined) return { verdict: 'unproven', finding: null, newest: null };
  if (RANK[worst.verdict] < RANK.unproven && newest !== undefined && newest !== remembered) await memory.save(newest.statement);
  return worst;
}

async function askWith(
  recorder: WitnessedRecorder,
  held: Held | null,
): Promise<{ readonly report: WitnessReport; readonly said: Held | undefined }> {
  const args = { checkpoint: held?.statement ?? null, by: held?.by ?? 'owner' };
  const answer = await recorder.client.call('log.witness', args).catch((error: unknown) => {
    if (error instanceof AgentError && error.code === 'log.foreign_checkpoint') return undefined;
    throw error;
  });
  if (answer === undefined) {
    const say = 'The recorder does not know a checkpoint that it has signed.';
    return { report: wrong('changed', 'signature', held?.checkpoint.size ?? 0, say, null), said: undefined };
  }
  const said = await heldFrom(recorder, answer.checkpoint, 'owner');
  return { report: judge(held?.checkpoint ?? null, said?.checkpoint ?? null, answer), said };
}

function judge(held: Checkpoint | null, newest: Checkpoint | null, { problem, path, beginsAt }: WitnessAnswer): WitnessReport {
  if (problem !== null) return { verdict: 'changed', finding: problem, newest };
  if (newest === null)
    return wrong('unproven', 'signature', held?.size ?? 0, 'The recorder has signed nothing that could be compared.', newest);
  if (held === null) return { verdict: 'first', finding: null, newest };
  const known = `It had ${held.size} rows before`;
  if (newest.size < held.size) return wrong('changed', 'cut', newest.size + 1, `${known}, now it has ${newest.size}.`, newest);
  if (path === null) {
    if (held.size < beginsAt) return { verdict: 'shortened', finding: null, newest };
    return wrong('unproven', 'checkpoint', held.size, `${known}; the recorder does not prove that these are still there.`, newest);
  }
  const claim = { earlier: held.size, earlierRoot: fromHex(held.root), size: newest.size, root: fromHex(newest.root) };
  if (isConsistent(hash, claim, path.map(fromHex))) return { verdict: 'whole', finding: null, newest };
  return wrong('changed', 'checkpoint', held.size, `${known}; those are not the rows that stand there now.`, newest);
}

function wrong(verdict: 'unproven' | 'changed', kind: string, seq: number, say: string, newest: Checkpoint | null): WitnessReport {
  return { verdict, finding: { kind, seq, say }, newest };
}

/**
 * Asks for a row with its proof and checks it: the exact text of the row, and the signed checkpoint that it stands under. Rejects with
 * `log.bad_proof`, or as the client does.
 */
export async function provenRow(recorder: WitnessedRecorder, seq: number): Promise<{ readonly body: string; readonly under: Checkpoint }> {
  const proof: LogProof = await recorder.client.call('log.proof', { seq, earlier: null });
  const under = (await heldFrom(recorder, proof.checkpoint, 'owner'))?.checkpoint;
  if (proof.row === null || proof.row.seq !== seq || under === undefined) throw badProof();
  const { body, path } = proof.row;
  const claim = { leaf: leafHash(hash, utf8(body)), index: seq - 1, size: under.size, root: fromHex(under.root) };
  if (!isIncluded(hash, claim, path.map(fromHex))) throw badProof();
  return { body, under };
}

/** A checkpoint that this recorder signed; undefined for anything else. */
async function heldFrom(recorder: WitnessedRecorder, statement: string | null, by: Held['by']): Promise<Held | undefined> {
  if (statement === null) return undefined;
  const checkpoint = await verifyStatement(statement, 'checkpoint+jws', recorder.deviceKey, Checkpoint).catch(() => undefined);
  return checkpoint?.device === recorder.serial ? { statement, by, checkpoint } : undefined;
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function badProof(): AgentError {
  return new AgentError({
    code: 'log.bad_proof',
    say: 'The recorder’s proof does not fit: the row may have been changed.',
    fix: 'Export the log on site and verify it: sightline log export, then verify-log.',
  });
}
