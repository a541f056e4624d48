import { thumbprint, unverifiedPayload } from '../../agent/contract/jws.js';
import type { AnswerOf, ArgsOf } from '../../agent/contract/operations.js';
import type { PublicJwk } from '../../agent/contract/shapes.js';
import type { Consent, Operator } from '../../agent/contract/statements.js';
import type { PermissionsInfo } from '../../agent/contract/views.js';
import { AgentError } from '../../agent/kernel/errors.js';

/** Ownership in the memory of a page: devices, consent and handing over. */

const HOUR = 3_600_000;
/** Whom the fake speaks with. */
export const FAKE_OPERATOR: Operator = { name: 'Example Relay', region: 'EU', host: 'relay.example.org' };
const DONE = { isDone: true as const };
const SELF = 't'.repeat(43);

/** How the fake stands with its owner. */
export interface OwnershipOptions {
  readonly isHeld?: boolean;
  readonly isStale?: boolean;
  readonly isOtherOperator?: boolean;
  /** The device at the page is not the owner's. */
  readonly isStranger?: boolean;
  /** The recorder does not know the time. */
  readonly isTimeLost?: boolean;
}

/** See the file's head. `note` writes a row of the log, `changed` tells of a new state. */
export class FakeOwnership {
  devices: PermissionsInfo['devices'];
  readonly #options: OwnershipOptions;
  readonly #note: (action: string) => void;
  readonly #deviceKey: () => Promise<string>;
  #consent: PermissionsInfo['consent'];
  #isTimeKnown: boolean;

  constructor(options: OwnershipOptions, note: (action: string) => void, deviceKey: () => Promise<string>) {
    const now = Date.now();
    this.#options = options;
    this.#isTimeKnown = options.isTimeLost !== true;
    this.#note = note;
    this.#deviceKey = deviceKey;
    this.devices = [
      { kid: SELF, name: 'Robin’s phone', addedAt: now - 90 * HOUR, isThis: true },
      { kid: 'u'.repeat(43), name: 'Office computer', addedAt: now - 30 * HOUR, isThis: false },
    ];
    const operator = options.isOtherOperator === true ? { ...FAKE_OPERATOR, name: 'Former Relay', host: 'old.example.org' } : FAKE_OPERATOR;
    this.#consent = { at: now - 90 * HOUR, textVersion: '2026-11', isStale: options.isStale === true, operator };
  }

  /** The part of permissions.list that is about the owner. @throws AgentError permissions.not_owner */
  info(): Pick<PermissionsInfo, 'owner' | 'role' | 'consent' | 'operator' | 'devices' | 'isTimeKnown'> {
    if (this.#options.isStranger === true) {
      const say = 'Only the site owner may do this.';
      throw new AgentError({ code: 'permissions.not_owner', say, fix: 'Use a device of the owner.' });
    }
    return {
      owner: { name: 'Robin Example', email: 'robin@example.org' },
      role: this.#options.isHeld === true ? 'installer' : 'owner',
      consent: this.#consent,
      operator: FAKE_OPERATOR,
      devices: this.devices,
      isTimeKnown: this.#isTimeKnown,
    };
  }

  /** Operations `owner.*`. */
  handlers() {
    return {
      'owner.add-device': async ({ key, name }: ArgsOf<'owner.add-device'>) => {
        const kid = await this.#add(key, name);
        this.#note('owner.add-device');
        return { kid };
      },
      'owner.remove-device': ({ kid }: ArgsOf<'owner.remove-device'>) => {
        this.devices = this.devices.filter((device) => device.kid !== kid);
        this.#note('owner.remove-device');
        return DONE;
      },
      'owner.consent': ({ consent }: ArgsOf<'owner.consent'>) => {
        const given = unverifiedPayload(consent) as Consent;
        this.#consent = { at: given.iat, textVersion: given.ver, isStale: false, operator: given.operator };
        this.#note('owner.consent');
        return DONE;
      },
      'owner.tell-time': () => {
        this.#isTimeKnown = true;
        this.#note('owner.tell-time');
        return DONE;
      },
      'owner.join': async ({ key, deviceName }: ArgsOf<'owner.join'>): Promise<AnswerOf<'owner.join'>> => {
        await this.#add(key, deviceName);
        return { epoch: 1, deviceKey: await this.#deviceKey(), site: 'Corner shop' };
      },
      'owner.accept': async (args: ArgsOf<'owner.accept'>): Promise<AnswerOf<'owner.accept'>> => {
        // The page goes on with another fake: what was accepted is left for a test to look at.
        Object.assign(globalThis, { accepted: args });
        return { epoch: 2, deviceKey: await this.#deviceKey(), site: 'Corner shop' };
      },
    };
  }

  async #add(key: PublicJwk, name: string): Promise<string> {
    const kid = await thumbprint(key);
    this.devices = [...this.devices, { kid, name, addedAt: Date.now(), isThis: false }];
    return kid;
  }
}
