import type { ComponentChildren } from 'preact';
import type { Scope } from '../../../../agent/contract/shapes.js';
import { href } from '../router.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { t } from '../words.js';
import { ButtonLink, Problem, Skeleton } from './basics.js';

interface WallProps {
  readonly session: RecorderSession;
  readonly scope: Scope;
  readonly children: ComponentChildren;
}

/** Shows its content only to whom the owner allowed it, and otherwise the way to ask. */
export function Wall({ session, scope, children }: WallProps) {
  if (session.may(scope)) return <>{children}</>;
  if (session.permissions.value === undefined) {
    const error = session.permissionsError.value;
    return error === undefined ? <Skeleton /> : <Problem error={error} onRetry={() => void session.refreshPermissions()} />;
  }
  return <NotAllowed session={session} scope={scope} sentence={t.wall(t.scopeDo[scope])} />;
}

/** What is not allowed, and the button that leads to asking for exactly that. */
export function NotAllowed({
  session,
  scope,
  sentence,
}: {
  readonly session: RecorderSession;
  readonly scope: Scope;
  readonly sentence: string;
}) {
  return (
    <div class="empty" data-test="not-allowed" data-scope={scope}>
      <p>
        <strong>{sentence}</strong> {t.wallFix}
      </p>
      <ButtonLink test="not-allowed-ask" to={href(session.role, session.serial, 'permissions', scope)} kind="main">
        {t.wallButton}
      </ButtonLink>
    </div>
  );
}
