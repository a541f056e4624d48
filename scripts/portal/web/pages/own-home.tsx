import { ButtonLink, Empty } from '../parts/basics.js';
import { Shell } from '../parts/shell.js';
import { href } from '../router.js';
import { useApp } from '../state/context.js';
import { t } from '../words.js';

/** The recorders of this owner. */
export function OwnHome() {
  const { owned } = useApp();
  return (
    <Shell title={t.ownTitle} back={{ to: href(), label: t.home }}>
      {owned.value.length === 0 ? (
        <Empty title={t.ownEmpty} hint={t.ownEmptyHint} />
      ) : (
        <ul class="list" data-test="owned">
          {owned.value.map((recorder) => (
            <li key={recorder.serial}>
              <a class="row" href={href('own', recorder.serial)} data-test={`open-${recorder.serial}`}>
                <strong>{recorder.site}</strong>
                <span class="mono">{recorder.serial}</span>
              </a>
            </li>
          ))}
        </ul>
      )}
      <div class="actions">
        <ButtonLink test="add-recorder" to={href('own', 'add')} kind="main">
          {t.ownAdd}
        </ButtonLink>
        <ButtonLink test="join-device" to={href('join')}>
          {t.ownJoin}
        </ButtonLink>
        <ButtonLink test="take-over" to={href('take')}>
          {t.ownTake}
        </ButtonLink>
      </div>
    </Shell>
  );
}
