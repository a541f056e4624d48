import * as z from 'zod/mini';
import { Compact, Hash32, Id16, InstantMs, PublicJwk } from '../contract/shapes.js';
import { Consent, Grant } from '../contract/statements.js';
import { Application } from '../contract/views.js';

/** A grant as the recorder holds it. */
export const HeldGrant = z.strictObject({
  grant: Grant,
  statement: Compact,
  receivedAt: InstantMs,
  /** Null while it may still be in force; then when and how it ended. */
  ended: z.nullable(z.strictObject({ at: InstantMs, how: z.enum(['withdrawn', 'expired']) })),
});
export type HeldGrant = z.infer<typeof HeldGrant>;

export const Owner = z.strictObject({
  key: PublicJwk,
  kid: Hash32,
  site: z.string(),
  consent: Consent,
  consentStatement: Compact,
  since: InstantMs,
});
export type Owner = z.infer<typeof Owner>;

/** Everything that decides who may do what: one document, written whole. */
export const PermissionState = z.strictObject({
  v: z.literal(1),
  owner: z.nullable(Owner),
  /** Rises when everything is withdrawn and with a hand-over: grants of a lower epoch are void. */
  epoch: z.int(),
  grants: z.array(HeldGrant),
  applications: z.array(Application),
  declined: z.array(z.strictObject({ id: Id16, org: Hash32, at: InstantMs })),
  /** Grants withdrawn before they were ever received here: they must not come into force afterwards. */
  withdrawnAhead: z.array(Id16),
});
export type PermissionState = z.infer<typeof PermissionState>;

export const NO_PERMISSIONS: PermissionState = {
  v: 1,
  owner: null,
  epoch: 1,
  grants: [],
  applications: [],
  declined: [],
  withdrawnAhead: [],
};
