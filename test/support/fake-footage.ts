import type { FootageWord, PlayerState } from '../../agent/contract/footage.js';
import { type Signer, signStatement } from '../../agent/contract/jws.js';
import type { AnswerOf, ArgsOf, OperationName } from '../../agent/contract/operations.js';
import { newId, sha256Text } from '../../agent/contract/text.js';
import { answerOffer } from './fake-scene.js';

type Names = Extract<OperationName, `playback.${string}`>;
type FootageHandlers = { [Name in Names]: (args: ArgsOf<Name>) => AnswerOf<Name> | Promise<AnswerOf<Name>> };

const HOUR_S = 3_600;
const STEP_MS = 40;
const CLIP = new TextEncoder().encode('a clip'.repeat(1_000));

/**
 * Recordings that were never made: each day from 02:00 to 08:00 and from 09:00 to 20:00 with something moving at 10:00. Clocks run, gaps are
 * skipped and told, pictures are those of the live view. A clip that ends after 19:30 is not what was signed.
 */
export function fakeFootageHandlers(serial: string, signer: Signer | undefined): FootageHandlers {
  const channels = new Map<string, { say(word: FootageWord): void; end(): void }>();
  let player: PlayerState = { n: 0, at: 0, speed: 1, isReverse: false, isPlaying: true };
  const connect = async (cam: string, sdp: string, begin: (channel: RTCDataChannel) => () => void) => {
    const session = newId();
    const { peer, ...answer } = await answerOffer(sdp);
    peer.addEventListener('datachannel', ({ channel }) => {
      const stop = begin(channel);
      channels.set(session, {
        say: (word) => channel.send(JSON.stringify(word)),
        end: () => {
          stop();
          peer.close();
        },
      });
    });
    return { session, cam, ...answer, until: Date.now() + HOUR_S * 1000, watermark: 'Robin Example · owner', from: null, to: null };
  };
  const tell = (word: FootageWord): void => {
    for (const channel of channels.values()) channel.say(word);
  };
  const play = (): void => {
    if (!player.isPlaying) return;
    let at = player.at + STEP_MS * player.speed * (player.isReverse ? -1 : 1);
    const day = new Date(at);
    const clock = (hours: number): number => new Date(day.getFullYear(), day.getMonth(), day.getDate(), hours).getTime();
    if (at >= clock(8) && at < clock(9)) {
      tell({ t: 'gap', from: clock(8), to: clock(9) });
      at = clock(9);
    }
    player = { ...player, at };
    tell({ t: 'at', at, n: player.n });
  };
  return {
    'playback.timeline': wholeDay,
    'playback.open': ({ cam, sdp, at, isPlaying, speed }) => {
      player = { n: 0, at, speed, isReverse: false, isPlaying };
      return connect(cam, sdp, () => {
        const timer = setInterval(play, STEP_MS);
        return () => clearInterval(timer);
      });
    },
    'playback.control': (args) => {
      player = after(player, args);
      tell({ t: 'at', at: player.at, n: player.n });
      return player;
    },
    'playback.close': ({ session }) => {
      channels.get(session)?.end();
      channels.delete(session);
      return { isDone: true };
    },
    'playback.export': ({ cam, sdp, from, to }) =>
      connect(cam, sdp, (channel) => {
        channel.addEventListener('open', () => void sendClip(channel, { serial, signer, cam, from, to }));
        return () => undefined;
      }),
  };
}

/** From 02:00 to 08:00 and from 09:00 to 20:00, whatever day is asked for. */
function wholeDay({ cams, from, to }: ArgsOf<'playback.timeline'>): AnswerOf<'playback.timeline'> {
  const [spans, motion] = [[2, 8, 9, 20].map((hour) => hour * HOUR_S), [10 * HOUR_S, 10 * HOUR_S + 300]];
  return { now: Date.now(), from, to, resolutionMs: 1000, cams: (cams ?? []).map((cam) => ({ cam, spans, motion })) };
}

/** How the player stands after an act. */
function after(player: PlayerState, args: ArgsOf<'playback.control'>): PlayerState {
  const next = { ...player, n: player.n + 1 };
  switch (args.act) {
    case 'play':
    case 'pause':
      return { ...next, isPlaying: args.act === 'play' };
    case 'seek':
      return { ...next, at: args.at };
    case 'speed':
      return { ...next, speed: args.speed };
    case 'reverse':
      return { ...next, isReverse: args.isReverse };
    case 'step':
      return { ...next, isPlaying: false, at: player.at + args.by * STEP_MS };
  }
}

interface ClipWish {
  readonly serial: string;
  readonly signer: Signer | undefined;
  readonly cam: string;
  readonly from: number;
  readonly to: number;
}

/** The clip in two pieces, and what is signed of it. */
async function sendClip(channel: RTCDataChannel, { serial, signer, cam, from, to }: ClipWish): Promise<void> {
  const last = new Date(to);
  const isTampered = last.getHours() * 60 + last.getMinutes() > 19 * 60 + 30;
  channel.send(CLIP.slice(0, 4_000));
  channel.send(CLIP.slice(4_000));
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', CLIP));
  const sha256 = [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const bytes = CLIP.length + (isTampered ? 1 : 0);
  const facts = { v: 1, dev: serial, cam, from, to, bytes, sha256, gaps: [], cmd: await sha256Text(''), at: Date.now() };
  const statement = signer === undefined ? 'x'.repeat(40) : await signStatement('export+jws', facts, signer);
  channel.send(JSON.stringify({ t: 'file', name: 'front-door.mp4', bytes: CLIP.length, sha256, statement }));
}
