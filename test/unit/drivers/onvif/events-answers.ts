/** What cameras send of events, in the shapes that makers give them. */
import type { ManualClock } from '../../../support/manual-clock.js';
import { type Answerer, type Asked, says } from './link-rig.js';

/** Answers instead of the camera where it returns something else than an empty text. */
export type Special = (asked: Asked, camera: EventCamera) => ReturnType<Answerer>;

export const utc = (atMs: number): string => new Date(atMs).toISOString();

export interface MessageOptions {
  readonly operation?: string;
  readonly source?: Readonly<Record<string, string>>;
  readonly data?: Readonly<Record<string, string>>;
  readonly utcTime?: string;
}

const items = (of: Readonly<Record<string, string>>): string =>
  Object.entries(of)
    .map(([name, value]) => `<tt:SimpleItem Name="${name}" Value="${value}"/>`)
    .join('');

/** One wsnt:NotificationMessage. */
export function message(topic: string, options: MessageOptions = {}): string {
  const operation = options.operation === '' ? '' : ` PropertyOperation="${options.operation ?? 'Changed'}"`;
  return (
    `<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">${topic}</wsnt:Topic>` +
    `<wsnt:Message><tt:Message UtcTime="${options.utcTime ?? '2026-01-01T00:00:00Z'}"${operation}>` +
    `<tt:Source>${items(options.source ?? { VideoSourceConfigurationToken: 'vsc' })}</tt:Source>` +
    `<tt:Data>${items(options.data ?? { IsMotion: 'true' })}</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>`
  );
}

export const motion = (isOn: boolean, operation = 'Changed'): string =>
  message('tns1:RuleEngine/CellMotionDetector/Motion', { data: { IsMotion: String(isOn) }, operation });

const times = (clock: ManualClock, leftMs: number): string =>
  `<CurrentTime>${utc(clock.now())}</CurrentTime><TerminationTime>${utc(clock.now() + leftMs)}</TerminationTime>`;

/** Answer to CreatePullPointSubscription or Subscribe. */
export const subscribed = (clock: ManualClock, name = 'CreatePullPointSubscription', leftMs = 60_000, more = ''): string =>
  says(
    name,
    `<SubscriptionReference><wsa:Address>http://10.9.9.9:81/onvif/sub?id=7</wsa:Address>${more}</SubscriptionReference>${times(clock, leftMs)}`,
  );

/** Answer to PullMessages. */
export const pulled = (clock: ManualClock, leftMs: number, messages = ''): string =>
  says('PullMessages', `${times(clock, leftMs)}${messages}`);

export const renewed = (clock: ManualClock, leftMs = 60_000): string =>
  says('Renew', `<TerminationTime>${utc(clock.now() + leftMs)}</TerminationTime><CurrentTime>${utc(clock.now())}</CurrentTime>`);

/**
 * A camera with a pull point: answers a round of pulling when a message is there or the time is over, lives `lifeMs` from the making
 * or the last renewal. `special` answers instead where it returns something.
 */
export class EventCamera {
  readonly #waiting: ((xml: string) => void)[] = [];
  readonly #queue: string[] = [];
  readonly #getClock: () => ManualClock;
  #endsMs = 0;
  lifeMs = 60_000;

  constructor(getClock: () => ManualClock) {
    this.#getClock = getClock;
  }

  get clock(): ManualClock {
    return this.#getClock();
  }

  /** Something happens at the camera. */
  send(...messages: readonly string[]): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#queue.push(...messages);
    else waiting(pulled(this.clock, this.#leftMs(), messages.join('')));
  }

  answerer(special: Special = () => ''): Answerer {
    return (asked) => {
      const said = special(asked, this);
      return said === '' ? this.#answer(asked.name, asked.body) : said;
    };
  }

  #leftMs(): number {
    return this.#endsMs - this.clock.monotonicMs();
  }

  #answer(name: string, body: string): string | Promise<string> {
    const { clock } = this;
    if (name === 'CreatePullPointSubscription' || name === 'Subscribe') {
      this.#endsMs = clock.monotonicMs() + this.lifeMs;
      return subscribed(clock, name, this.lifeMs);
    }
    if (name === 'Renew') {
      this.#endsMs = clock.monotonicMs() + this.lifeMs;
      return renewed(clock, this.lifeMs);
    }
    if (name !== 'PullMessages') return says(name);
    if (this.#queue.length > 0) return pulled(clock, this.#leftMs(), this.#queue.splice(0).join(''));
    const waitMs = Number(/PT(\d+)S/.exec(body)?.[1] ?? 1) * 1000;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      clock.after(waitMs, () => {
        const at = this.#waiting.indexOf(resolve);
        if (at < 0) return;
        this.#waiting.splice(at, 1);
        resolve(pulled(clock, this.#leftMs()));
      });
    });
  }
}
