import * as z from 'zod/mini';
import { DriverError, type DriverErrorCode } from '../port.js';
import { first, text } from './shapes.js';

/** A SOAP fault as the camera sent it; names without prefixes. */
export interface OnvifFault {
  /** `Sender`, `Receiver`, or the SOAP 1.1 word. */
  readonly code: string;
  /** From the outer to the inner one, e.g. ['InvalidArgVal', 'ConfigModify']. */
  readonly subcodes: readonly string[];
  readonly reason: string;
}

const InnerSubcode = z.object({ Value: text });
const Fault = z.object({
  Code: first(z.object({ Value: text, Subcode: first(z.object({ Value: text, Subcode: first(InnerSubcode) })) })),
  Reason: first(z.object({ Text: z.optional(z.unknown()) })),
  faultcode: text,
  faultstring: text,
});
const FaultBody = z.object({ Body: z.object({ Fault: Fault }) });

const localName = (qualified: string): string => qualified.slice(qualified.lastIndexOf(':') + 1);

/** The fault inside a parsed envelope (SOAP 1.2 or 1.1), or undefined. */
export function readFault(envelope: unknown): OnvifFault | undefined {
  const made = z.safeParse(FaultBody, envelope);
  if (!made.success) return undefined;
  const fault = made.data.Body.Fault;
  const reasons = fault.Reason?.Text;
  const outer = fault.Code?.Subcode;
  return {
    code: localName(fault.Code?.Value || fault.faultcode),
    subcodes: [outer?.Value, outer?.Subcode?.Value].flatMap((word) => (word === undefined || word === '' ? [] : [localName(word)])),
    reason: (z.parse(text, Array.isArray(reasons) ? reasons[0] : reasons) || fault.faultstring).slice(0, 300),
  };
}

const MEANING: readonly (readonly [DriverErrorCode, RegExp])[] = [
  ['camera.unauthorized', /^(NotAuthorized|SenderNotAuthorized|FailedAuthentication|InvalidSecurityToken|FailedCheck|InvalidSecurity)$/i],
  ['camera.unsupported', /^(ActionNotSupported|OptionalActionNotImplemented|UnknownAction|SpaceNotSupported|MustUnderstand)$/i],
];

/** Meaning of a fault. `http` is the status it came with: 401 says "not authorized" even where the fault does not. */
export function faultError(fault: OnvifFault, http: number): DriverError {
  const words = [...fault.subcodes, fault.code];
  const known = MEANING.find(([, pattern]) => words.some((word) => pattern.test(word)));
  const refusedBySpelling = /not authori[sz]ed|authentication fail/i.test(fault.reason);
  const code = known?.[0] ?? (http === 401 || refusedBySpelling ? 'camera.unauthorized' : 'camera.refused');
  const name = fault.subcodes.at(-1) ?? fault.code;
  return new DriverError(code, `the camera answered ${name}: ${fault.reason}`, { detail: { fault, http } });
}
