import { unverifiedPayload } from '../../contract/jws.js';
import { parseShape } from '../../contract/shapes.js';
import { Grant } from '../../contract/statements.js';
import { AgentError } from '../../kernel/errors.js';
import type { Permissions } from '../../permissions/service.js';
import type { Handlers } from '../call.js';

type Names =
  | 'permissions.list'
  | 'permissions.grant'
  | 'permissions.decline'
  | 'permissions.withdraw'
  | 'permissions.apply'
  | 'permissions.mine';

/** The owner decides, organisations ask. */
export function permissionHandlers(permissions: Permissions): Pick<Handlers, Names> {
  return {
    'permissions.list': async (_args, call) => permissions.list(call.ticket.kid),
    'permissions.grant': async ({ grant, application }, call) => {
      // Written down even when it is refused: what was tried is part of the story.
      const wanted = parseShape(Grant, unverifiedPayload(grant));
      call.note.object = wanted.id;
      call.note.after = {
        organisation: wanted.org.name,
        scopes: [...wanted.scopes],
        cameras: wanted.cams === null ? 'all' : [...wanted.cams],
        hours: wanted.hours === null ? 'any' : { ...wanted.hours, days: [...wanted.hours.days] },
        until: wanted.exp,
      };
      const { id } = await permissions.grant(grant, application);
      return { id };
    },
    'permissions.decline': async ({ application }, call) => {
      call.note.object = application;
      const declined = await permissions.decline(application);
      call.note.before = { organisation: declined.org.name, scopes: [...declined.scopes] };
      return { isDone: true };
    },
    'permissions.withdraw': async ({ statement }, call) => {
      const { receipt, ids } = await permissions.withdraw(statement);
      call.note.object = ids.join(' ').slice(0, 250);
      call.note.after = { grants: ids.length, sessionsEnded: receipt.closed.length, lastMediaMs: receipt.lastMediaMs };
      return receipt;
    },
    'permissions.apply': async ({ org, scopes, cams, durationMs, note }, call) => {
      const { person } = call.ticket;
      if (person === undefined) throw nobody();
      const application = await permissions.apply({ org, person, scopes, cams, durationMs, note });
      call.note.object = application.id;
      call.note.after = { organisation: org.name, scopes: [...scopes] };
      return { id: application.id };
    },
    'permissions.mine': async ({ org }) => permissions.mine(org),
  };
}

function nobody(): AgentError {
  return new AgentError({
    code: 'permissions.no_badge',
    say: 'The application does not say whose it is.',
    fix: 'Sign in again in the app.',
  });
}
