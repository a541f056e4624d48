import { Shell } from '../parts/shell.js';
import { href } from '../router.js';
import { t } from '../words.js';

/** Which of the two a person is. */
export function StartPage() {
  return (
    <Shell title={t.startQuestion} subtitle={t.promise}>
      <div class="choices">
        <a class="choice" href={href('own')} data-test="start-owner">
          <strong>{t.startOwner}</strong>
          <span>{t.startOwnerHint}</span>
        </a>
        <a class="choice" href={href('serve')} data-test="start-installer">
          <strong>{t.startInstaller}</strong>
          <span>{t.startInstallerHint}</span>
        </a>
      </div>
      <p class="hint">{t.startKeys}</p>
    </Shell>
  );
}
