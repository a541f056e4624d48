import type { AnswerSchema } from './hook-result.js';
import type { HookRunner } from './hook-runner.js';

/** What the maker put into the device, read by the hook `identity`. Unknown texts are empty. */
export interface DeviceIdentity {
  /** The maker's serial number; not the one on Sightline's label. */
  readonly serial: string;
  readonly model: string;
  readonly manufacturer: string;
}

const FIELDS = ['serial', 'model', 'manufacturer'] as const;
const TEXT_CHARACTERS = 100;

/** Strict, as PROTOCOL.md says: exactly these fields, each a text without control characters. */
const identityAnswer: AnswerSchema<DeviceIdentity> = {
  safeParse(value) {
    const fields = (value ?? {}) as Record<string, unknown>;
    const [serial, model, manufacturer] = FIELDS.map((name) => textOf(fields[name]));
    const isComplete = serial !== undefined && model !== undefined && manufacturer !== undefined;
    if (!isComplete || Object.keys(fields).length !== FIELDS.length) return { success: false, error: 'not an identity' };
    return { success: true, data: { serial, model, manufacturer } };
  },
};

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= TEXT_CHARACTERS && !/\p{Cc}/u.test(value) ? value : undefined;
}

/** Asks the device who it is; undefined when it does not know (exit 10) or the hook fails, which is logged by the runner. */
export async function readDeviceIdentity(hooks: Pick<HookRunner, 'run'>): Promise<DeviceIdentity | undefined> {
  const result = await hooks.run('identity', { answer: identityAnswer });
  return result.outcome === 'ok' ? result.answer : undefined;
}
