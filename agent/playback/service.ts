import type { ControlArgs, ExportArgs, PlaybackOpenArgs, PlayerState, Timeline, TimelineArgs } from '../contract/footage.js';
import { EXPORT_MAX_MS, TIMELINE_MAX_MS } from '../contract/footage.js';
import { AgentError } from '../kernel/errors.js';
import type { Service } from '../kernel/service.js';
import { admitPlayback, type PlaybackFacts } from './admission.js';
import { Exporter } from './exporter.js';
import { Player } from './player.js';
import type { PlaybackEnd, PlaybackInfo, PlaybackParts, PlaybackTicket, PlaybackVerdict, RecordingSource } from './ports.js';
import { playbackError } from './reasons.js';
import { PlaybackSession, type PlaybackWork, type WayOut } from './session.js';
import { coarsen, type Stretch, toPairs, within } from './stretches.js';

/** What fits into 64 KiB: 12 characters a stretch, of which so many are shown altogether, and as many of motion again at most. */
const MOST_STRETCHES = 2_400;
/** An export takes as long as the viewer's line makes it take. */
const EXPORT_LASTS_MS = 3_600_000;
const MOST_REMEMBERED = 256;

/** The answer to whoever opened something. */
export interface PlaybackOpened {
  readonly sessionId: string;
  readonly answerSdp: string;
  readonly fingerprint: string;
  readonly untilAt: number;
  /** Bounds of the footage. */
  readonly from: number | null;
  readonly to: number | null;
}

/** Recordings by time: what there is, players and exports. */
export class PlaybackService implements Service {
  readonly name = 'playback';
  readonly #parts: PlaybackParts;
  readonly #sessions = new Map<string, PlaybackSession>();
  readonly #players = new Map<string, Player>();
  readonly #settling = new Set<Promise<void>>();
  readonly #lastOpenMs = new Map<string, number>();
  #isStopping = false;

  constructor(parts: PlaybackParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    // What nobody looks at costs nothing: folders and cameras are asked when somebody asks.
  }

  /**
   * What is recorded of the cameras asked for, cut to the permission. A camera whose recordings cannot be reached has none to show. Throws
   * AgentError `playback.bad_time`.
   */
  async timeline(args: TimelineArgs, verdict: PlaybackVerdict & { readonly ok: true }, signal: AbortSignal): Promise<Timeline> {
    const { clock, recordings } = this.#parts;
    const { from, to } = requireTime(args, TIMELINE_MAX_MS);
    const isPermitted = (cam: string): boolean => verdict.channels === undefined || verdict.channels.includes(cam);
    const cams = (args.cams ?? recordings.channels()).filter(isPermitted);
    const asked = within({ fromMs: from, toMs: to }, verdict.footage?.from ?? null, verdict.footage?.to ?? null);
    const found = await Promise.all(cams.map((cam) => this.#spansOf(cam, asked, signal)));
    const spans = coarsen(
      found.map((one) => one.spans),
      MOST_STRETCHES,
    );
    const motion = coarsen(
      found.map((one) => one.motion),
      MOST_STRETCHES / 2,
    );
    const resolutionMs = Math.max(spans.resolutionMs, motion.resolutionMs);
    const pairs = (all: readonly (readonly Stretch[])[], index: number): number[] => toPairs(all[index] ?? [], from);
    return {
      now: clock.now(),
      from,
      to,
      resolutionMs,
      cams: cams.map((cam, index) => ({ cam, spans: pairs(spans.all, index), motion: pairs(motion.all, index) })),
    };
  }

  /** Admits, opens and answers; what is shown follows by itself. Throws AgentError: `playback.*`, or the authorizer's code and words. */
  async open(args: PlaybackOpenArgs, ticket: PlaybackTicket): Promise<PlaybackOpened> {
    const make = (source: RecordingSource, out: WayOut): { work: PlaybackWork; player: Player } => {
      const { clock, log } = this.#parts;
      const player = new Player(
        { clock, log, source, verdict: out.verdict, show: out.show, tell: out.tell },
        { atMs: args.at, speed: args.speed, isPlaying: args.isPlaying },
      );
      return { work: player, player };
    };
    return this.#open({ kind: 'player', ticket, offerSdp: args.sdp, instants: [args.at], requestedMs: args.maxS * 1000 }, make);
  }

  /** Opens the way for one file. Throws AgentError like `open`. */
  async export(args: ExportArgs, ticket: PlaybackTicket): Promise<PlaybackOpened> {
    const { from, to } = requireTime(args, EXPORT_MAX_MS);
    const make = (source: RecordingSource, out: WayOut): { work: PlaybackWork } => {
      const { log, newHash, signExport } = this.#parts;
      return { work: new Exporter({ log, source, ticket, out, newHash, signExport, clip: { fromMs: from, toMs: to } }) };
    };
    return this.#open({ kind: 'export', ticket, offerSdp: args.sdp, instants: [from, to], requestedMs: EXPORT_LASTS_MS }, make);
  }

  /** One act of a player that is this viewer's own. Throws AgentError `playback.no_such_session` or `playback.outside_footage`. */
  control(act: ControlArgs, viewerId: string): PlayerState {
    const session = this.#sessions.get(act.session);
    const player = session?.plan.ticket.viewerId === viewerId ? this.#players.get(act.session) : undefined;
    if (player === undefined) {
      const say = 'This playback is not open any more.';
      throw new AgentError({ code: 'playback.no_such_session', say, fix: 'Open the recordings again.' });
    }
    const verdict = this.#parts.mayPlay(session?.plan.ticket as PlaybackTicket);
    if (!verdict.ok) throw new AgentError(verdict);
    return player.control(act);
  }

  /** Ends one session at once. */
  end(sessionId: string, reason: PlaybackEnd): void {
    this.#sessions.get(sessionId)?.end(reason);
  }

  /** Ends every session that matches in the tick of the call; all are shut before any file or camera is let go. Gives those that were open. */
  endMatching(matches: (session: PlaybackInfo) => boolean, reason: PlaybackEnd): readonly PlaybackInfo[] {
    const chosen = [...this.#sessions.values()].filter((session) => matches(session.info()));
    const infos = chosen.map((session) => session.info());
    for (const session of chosen) session.shut(reason);
    for (const session of chosen) session.end(reason);
    return infos;
  }

  sessions(): readonly PlaybackInfo[] {
    return [...this.#sessions.values()].map((session) => session.info());
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.endMatching(() => true, 'agent_stopping');
    await Promise.all(this.#settling);
  }

  async #open(
    wish: Pick<PlaybackFacts, 'kind' | 'instants' | 'requestedMs'> & { readonly ticket: PlaybackTicket; readonly offerSdp: string },
    make: (source: RecordingSource, out: WayOut) => { readonly work: PlaybackWork; readonly player?: Player },
  ): Promise<PlaybackOpened> {
    const { clock, recordings, mayPlay, limits } = this.#parts;
    const { ticket, kind, offerSdp } = wish;
    const { channelId, viewerId } = ticket;
    const source = recordings.resolve(channelId);
    const permission = mayPlay(ticket);
    const nowMs = clock.monotonicMs();
    const lastMs = this.#lastOpenMs.get(viewerId);
    const verdict = admitPlayback({
      ...{ now: clock.now(), isStopping: this.#isStopping, permission, channelId, viewerId, kind, limits },
      ...{ instants: wish.instants, requestedMs: wish.requestedMs, sessions: this.sessions() },
      hasChannel: source !== undefined,
      liveSessions: this.#parts.liveSessions(),
      sinceLastOpenMs: lastMs === undefined ? undefined : nowMs - lastMs,
    });
    if (!verdict.ok) throw new AgentError(verdict);
    if (source === undefined || !permission.ok) throw playbackError(undefined);
    for (const sessionId of verdict.replaces) this.end(sessionId, 'taken_over');
    this.#remember(viewerId, nowMs);
    const sessionId = this.#parts.newSessionId();
    const { untilAt, durationMs } = verdict;
    const session = new PlaybackSession(
      { sessionId, kind, ticket, offerSdp, untilAt, durationMs, limits },
      this.#parts,
      (out) => {
        const { work, player } = make(source, out);
        if (player !== undefined) this.#players.set(sessionId, player);
        return work;
      },
      (ended, settled) => this.#ended(ended, settled),
    );
    this.#sessions.set(sessionId, session);
    const peer = await session.open();
    const { from, to } = permission.footage ?? { from: null, to: null };
    return { sessionId, answerSdp: peer.answerSdp, fingerprint: peer.fingerprint, untilAt, from, to };
  }

  async #spansOf(
    cam: string,
    asked: Stretch | undefined,
    signal: AbortSignal,
  ): Promise<{ spans: readonly Stretch[]; motion: readonly Stretch[] }> {
    const source = asked === undefined ? undefined : this.#parts.recordings.resolve(cam);
    if (source === undefined || asked === undefined) return { spans: [], motion: [] };
    try {
      return await source.spans(asked, signal);
    } catch (error) {
      this.#parts.log.info('the recordings of a camera cannot be listed', { channel: cam, error });
      return { spans: [], motion: [] };
    }
  }

  #remember(viewerId: string, nowMs: number): void {
    this.#lastOpenMs.delete(viewerId);
    this.#lastOpenMs.set(viewerId, nowMs);
    const [oldest] = this.#lastOpenMs.keys();
    if (this.#lastOpenMs.size > MOST_REMEMBERED && oldest !== undefined) this.#lastOpenMs.delete(oldest);
  }

  #ended({ plan }: PlaybackSession, settled: Promise<void>): void {
    this.#sessions.delete(plan.sessionId);
    this.#players.delete(plan.sessionId);
    const done = settled
      .catch((error: unknown) => this.#parts.log.warn('a recording did not close cleanly', { channel: plan.ticket.channelId, error }))
      .finally(() => this.#settling.delete(done));
    this.#settling.add(done);
  }
}

function requireTime({ from, to }: { readonly from: number; readonly to: number }, mostMs: number): { from: number; to: number } {
  if (from < to && to - from <= mostMs) return { from, to };
  const most = mostMs >= 86_400_000 ? `${Math.floor(mostMs / 86_400_000)} days` : `${mostMs / 3_600_000} hours`;
  throw new AgentError({
    code: 'playback.bad_time',
    say: 'The time asked for ends before it begins, or is too long.',
    fix: `Ask for at most ${most} at once.`,
  });
}
