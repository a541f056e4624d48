import * as z from 'zod/mini';
import { Compact, HexHash, Id16, InstantMs } from './shapes.js';

/** Answers about the operation log and what left the recorder: the same for the owner's app and for somebody at the recorder. */

const Text = z.string();

/** Something that is wrong with the log: kind, first row that is concerned, a sentence for a person. */
export const LogFinding = z.strictObject({ kind: Text, seq: z.int(), say: Text });
/** The finding as a value. */
export type LogFinding = z.infer<typeof LogFinding>;

/**
 * What the recorder says to somebody who holds a checkpoint of it. `checkpoint`: its newest, signed now; null while it cannot sign. `path`: RFC 6962
 * consistency path from the checkpoint that was handed in to this one, null when none was, or when the log was shortened beyond it (`beginsAt`
 * rows were taken out by the owner's rule). `problem`: what the recorder itself finds wrong; nobody who doubts it will rely on that.
 */
export const WitnessAnswer = z.strictObject({
  problem: z.nullable(LogFinding),
  checkpoint: z.nullable(Compact),
  path: z.nullable(z.array(HexHash)),
  beginsAt: z.int(),
});
/** The answer as a value. */
export type WitnessAnswer = z.infer<typeof WitnessAnswer>;

/**
 * Proofs against `checkpoint` (RFC 6962, section 2.1). `row`: the exact text of the row that was asked for, which names no person, and its inclusion
 * path; `path`: consistency with the earlier size that was asked for. Null where nothing was asked.
 */
export const LogProof = z.strictObject({
  checkpoint: Compact,
  row: z.nullable(z.strictObject({ seq: z.int(), body: Text, path: z.array(HexHash) })),
  path: z.nullable(z.array(HexHash)),
});
/** The proofs as a value. */
export type LogProof = z.infer<typeof LogProof>;

/** Somebody who stands in the operation log. `isMore`: there are more than an answer holds; ask with more letters of the name. */
export const LogPeople = z.strictObject({
  people: z.array(z.strictObject({ ref: Id16, name: Text, email: Text })),
  isMore: z.boolean(),
});
/** The people as a value. */
export type LogPeople = z.infer<typeof LogPeople>;

/** What an erasure did. `details`: rows whose before and after were emptied; `stillIn`: files beside the log that still hold the name. */
export const PersonErased = z.strictObject({ ref: Id16, seq: z.int(), details: z.int(), stillIn: z.array(Text) });
/** The erasure as a value. */
export type PersonErased = z.infer<typeof PersonErased>;

/** How long the log is kept, and how full it is: at 1 the oldest rows go. `incidentSince`: when an incident was opened that is not closed. */
export const LogKept = z.strictObject({
  days: z.int(),
  rows: z.int(),
  isHeld: z.boolean(),
  fullness: z.number(),
  incidentSince: z.nullable(InstantMs),
});
/** The rule as a value. */
export type LogKept = z.infer<typeof LogKept>;

/** What the owner may change of it: days and rows within legal floors, and a hold. */
export const RetentionChange = z.strictObject({
  days: z.optional(z.int().check(z.gte(30), z.lte(3_650))),
  rows: z.optional(z.int().check(z.gte(10_000), z.lte(1_000_000))),
  isHeld: z.optional(z.boolean()),
});
/** The change as a value. */
export type RetentionChange = z.infer<typeof RetentionChange>;

/**
 * What left the recorder, by day (days since 1970, UTC), kind and destination. `sessions`: pictures that ended on these days, newest first, at most
 * 200; `session` is empty for a still; `who` is null when the person was erased; `kind` is missing in answers of older recorders, which told of
 * live pictures alone; `isMore`: more pictures ended than are named.
 */
export const LedgerDays = z.strictObject({
  now: InstantMs,
  lines: z.array(z.strictObject({ day: z.int(), what: Text, to: Text, messages: z.int(), bytes: z.int() })),
  sessions: z.array(
    z.strictObject({
      session: Text,
      kind: z.optional(z.enum(['live', 'recording', 'copy', 'still'])),
      cam: Text,
      who: z.nullable(Text),
      endedAt: InstantMs,
      durationMs: z.number(),
      bytes: z.int(),
    }),
  ),
  isMore: z.boolean(),
});
/** The days as a value. */
export type LedgerDays = z.infer<typeof LedgerDays>;

/**
 * Who came in, newest first: one line per person, way in and day (UTC), from the rows of the log. `who` null: nobody is named, or the person was erased;
 * `as` system: somebody who did not prove who it is; `address`: keyed hash of the sender's address on the local network. `isMore`: there were more.
 */
export const LogVisits = z.strictObject({
  now: InstantMs,
  visits: z.array(
    z.strictObject({
      from: InstantMs,
      to: InstantMs,
      who: z.nullable(z.strictObject({ name: Text, email: Text })),
      as: Text,
      isErased: z.boolean(),
      way: Text,
      address: z.nullable(Text),
      acts: z.int(),
      refused: z.int(),
    }),
  ),
  isMore: z.boolean(),
});
/** The visits as a value. */
export type LogVisits = z.infer<typeof LogVisits>;

/**
 * Where an export of the log goes on: it ends with row `to`, where a signed checkpoint stands; rows behind `seq` are still to come, or, when all are
 * there, the persons behind `ref`. `skip`: characters of the next line that were sent already.
 */
export const ExportPlace = z.strictObject({
  to: z.int().check(z.gte(1)),
  seq: z.int().check(z.gte(0)),
  ref: z.nullable(Id16),
  skip: z.int().check(z.gte(0)),
});
/** The place as a value. */
export type ExportPlace = z.infer<typeof ExportPlace>;

/** A piece of the exported log (JSON Lines, as verify-log reads them): all pieces one after another are the file. `next` null: this was the last. */
export const LogExport = z.strictObject({ text: Text, to: z.int(), next: z.nullable(ExportPlace) });
/** The piece as a value. */
export type LogExport = z.infer<typeof LogExport>;

/** Days since 1970. */
export const Day = z.int().check(z.gte(0), z.lte(100_000));

/** What happened or was done, in a sentence of the person who says it. */
export const Note = z.string().check(z.minLength(1), z.maxLength(500), z.regex(/^[^\p{Cc}]*$/u));

/** An incident that was opened: everything is withdrawn, the log is held (`seq`: its newest row then), the code is void. `left`: what failed. */
export const IncidentOpened = z.strictObject({ at: InstantMs, seq: z.int(), grants: z.int(), sessionsEnded: z.int(), left: z.array(Text) });
/** The incident as a value. */
export type IncidentOpened = z.infer<typeof IncidentOpened>;

/** The row that says that it is dealt with. */
export const IncidentClosed = z.strictObject({ seq: z.int() });
/** The end of it as a value. */
export type IncidentClosed = z.infer<typeof IncidentClosed>;
