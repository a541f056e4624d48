import type { VideoEncoderOptions } from '../../drivers/port.js';
import type { Configuration, Plan, PlanRefusal, PlanStep, StreamWish } from '../contract/configuration.js';
import type { Change, StreamChange } from './diff.js';
import type { ConfigCamera, ConfigStream, EncoderPatch, StreamKind } from './ports.js';
import { badName, cannotAsk, noSuchCamera, noSuchStream, rateNotOffered, sizeNotOffered, streamWords } from './refusals.js';

/** One thing to be done, with the steps of the plan that it fulfils. No login is in here. */
export type Act = { readonly steps: readonly PlanStep[] /** For a sentence: `the sub-stream of Front door`. */; readonly what: string } & (
  | { readonly kind: 'recorder-name'; readonly name: string }
  | { readonly kind: 'camera-name'; readonly cam: string; readonly name: string }
  | { readonly kind: 'login'; readonly cam: string; readonly camera: string }
  | EncoderAct
);

/** Everything that changes at one stream: one call to the camera. */
export interface EncoderAct {
  readonly kind: 'encoder';
  readonly cam: string;
  /** The camera's name. */
  readonly camera: string;
  readonly stream: StreamKind;
  /** What the camera must say afterwards, unchanged fields included. */
  readonly asked: StreamWish;
  /** What is sent. Width and height go together. */
  readonly change: EncoderPatch;
}

/** What a camera offers for a stream, or why it could not be asked. */
export type Offer =
  | { readonly options: VideoEncoderOptions; readonly trouble?: undefined }
  | { readonly options?: undefined; readonly trouble: { readonly say: string; readonly fix: string } };

/** How everything is now, and what could be. */
export interface PlanFacts {
  readonly current: Configuration;
  readonly cameras: readonly ConfigCamera[];
  /** By `offerKey`; what `offersNeeded` named. */
  readonly offers: ReadonlyMap<string, Offer>;
}

/** The plan as it is shown, and how to carry it out. `acts` fulfil `plan.steps` in their order. */
export interface Planned {
  readonly plan: Plan;
  readonly acts: readonly Act[];
}

/** Where a stream's offer stands in PlanFacts. */
export const offerKey = (cam: string, stream: StreamKind): string => `${cam}.${stream}`;

const RANK = { 'recorder-name': 0, 'camera-name': 1, login: 2, encoder: 3 } as const;
/** A login brings these to an end; with any other trouble nobody could tell whether the camera accepts it. */
const CURED_BY_LOGIN: ReadonlySet<ConfigCamera['state']> = new Set(['unauthorized', 'reachable', 'online']);

/** Which streams' offers the plan needs: only of cameras that can be asked. */
export function offersNeeded(changes: readonly Change[], cameras: readonly ConfigCamera[]): readonly StreamChange[] {
  const isAskable = ({ cam, stream }: StreamChange): boolean => {
    const camera = cameras.find(({ id }) => id === cam);
    return camera?.state === 'online' && camera.streams.some(({ kind }) => kind === stream);
  };
  return changes.filter((change) => change.kind === 'stream').filter(isAskable);
}

type Verdict = { readonly act: Act; readonly refused?: undefined } | { readonly act?: undefined; readonly refused: readonly PlanRefusal[] };

const refuse = (...refused: readonly PlanRefusal[]): Verdict => ({ refused });

function judgeStream(change: StreamChange, camera: ConfigCamera, name: string, facts: PlanFacts): Verdict {
  const { path, cam, stream, to } = change;
  const now = camera.streams.find(({ kind }) => kind === stream);
  if (camera.state !== 'online') return refuse(cannotAsk(path, name, camera.reason));
  if (now === undefined) return refuse(noSuchStream(path, name, stream));
  const offer = facts.offers.get(offerKey(cam, stream));
  if (offer?.options === undefined) return refuse(cannotAsk(path, name, offer?.trouble));
  const asked: StreamWish = { width: now.width, height: now.height, frameRate: now.frameRate, ...to };
  const refused = notOffered(change, asked, offer.options, name);
  if (refused.length > 0) return refuse(...refused);
  return { act: encoderAct(change, asked, name, now) };
}

function notOffered({ path, stream, to }: StreamChange, asked: StreamWish, options: VideoEncoderOptions, name: string): PlanRefusal[] {
  const refused: PlanRefusal[] = [];
  const isSizeAsked = to.width !== undefined || to.height !== undefined;
  if (isSizeAsked && !options.resolutions.some(({ width, height }) => width === asked.width && height === asked.height)) {
    refused.push(sizeNotOffered(`${path}.${to.width === undefined ? 'height' : 'width'}`, name, stream, asked, options));
  }
  const { min, max } = options.frameRate;
  const rate = to.frameRate;
  // Cameras count whole frames: 12.5 would come back as 12 or 13.
  if (rate !== undefined && (!Number.isInteger(rate) || rate < min || rate > max)) {
    refused.push(rateNotOffered(`${path}.frameRate`, name, stream, rate, options));
  }
  return refused;
}

function encoderAct({ path, cam, stream, from, to }: StreamChange, asked: StreamWish, camera: string, now: ConfigStream): Act {
  const isSizeAsked = asked.width !== now.width || asked.height !== now.height;
  const size = isSizeAsked ? { width: asked.width, height: asked.height } : {};
  const rate = to.frameRate === undefined ? {} : { frameRate: to.frameRate };
  const steps = (['width', 'height', 'frameRate'] as const).flatMap((field): PlanStep[] => {
    const value = to[field];
    return value === undefined ? [] : [{ path: `${path}.${field}`, from: from?.[field] ?? null, to: value, risk: 'interrupts-video' }];
  });
  const what = `the ${streamWords(stream)} of ${camera}`;
  return { kind: 'encoder', cam, camera, stream, asked, change: { ...size, ...rate }, steps, what };
}

function judge(change: Change, facts: PlanFacts): Verdict {
  const { path } = change;
  if (change.kind === 'recorder-name') {
    const bad = badName(path, change.to, 'the recorder');
    const steps: PlanStep[] = [{ path, from: change.from, to: change.to, risk: 'harmless' }];
    return bad === undefined ? { act: { kind: 'recorder-name', name: change.to, steps, what: 'the name of the recorder' } } : refuse(bad);
  }
  const { cam } = change;
  const camera = facts.cameras.find(({ id }) => id === cam);
  const name = facts.current.cameras[cam]?.name ?? cam;
  if (change.kind === 'no-such-camera' || camera === undefined)
    return refuse(
      noSuchCamera(
        path,
        cam,
        facts.cameras.map(({ id }) => id),
      ),
    );
  if (change.kind === 'stream') return judgeStream(change, camera, name, facts);
  if (change.kind === 'camera-name') {
    const bad = badName(path, change.to, name);
    const steps: PlanStep[] = [{ path, from: change.from, to: change.to, risk: 'harmless' }];
    return bad === undefined ? { act: { kind: 'camera-name', cam, name: change.to, steps, what: `the name of ${name}` } } : refuse(bad);
  }
  if (!CURED_BY_LOGIN.has(camera.state)) return refuse(cannotAsk(path, name, camera.reason));
  // Pictures under way go on, and a login that is refused is taken back at once.
  const steps: PlanStep[] = [{ path, from: null, to: 'changed', risk: 'harmless' }];
  return { act: { kind: 'login', cam, camera: name, steps, what: `the login of ${name}` } };
}

/** What is to be done for `changes`, harmless steps first, and what would not work. With anything refused, nothing may be applied. */
export function planConfiguration(facts: PlanFacts, changes: readonly Change[]): Planned {
  const verdicts = changes.map((change) => judge(change, facts));
  const acts = verdicts.flatMap(({ act }) => act ?? []).sort((a, b) => RANK[a.kind] - RANK[b.kind]);
  const refused = verdicts.flatMap((verdict) => verdict.refused ?? []);
  return { plan: { base: facts.current.version, steps: acts.flatMap(({ steps }) => steps), refused }, acts };
}
