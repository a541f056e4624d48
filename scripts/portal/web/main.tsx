/**
 * The web app of the reference cloud. Stable marks for tests and other tools are `data-test` attributes:
 *
 * start            start-owner start-installer back title no-service add-recorder join-device take-over on-site
 * pairing          add-recorder pair-serial pair-code pair-scan pair-check pair-problem[data-code] pair-right
 * consent          consent consent-text role-{owner,installer} operator consent-name consent-email consent-site consent-device consent-agree
 *                  consent-finish consent-problem
 * notices          installer-held hand-over-now consent-stale other-operator agree-again agree-again-do not-owner forget
 *                  offer-open offer-show forget-card forget-away
 * devices          devices device[data-kid][data-this] device-remove device-remove-{sure,cancel} device-add add-link[data-text] add-by-key added-link[data-text]
 *                  key-{text,scan,read,unread} key-name key-add devices-problem device-news settings-{devices,hand-over}
 * joining          own-key[data-text] join-{text,scan,read,unread} join-name join-do join-problem join-look pair-join
 * hand-over        key-{text,scan,read,unread} key-known erase-people offer-make offer[data-text] offer-back offer-news hand-over-problem
 *                  take-{text,scan,read,unread} take-facts take-{name,email,site,device,agree,finish} take-problem[data-code]
 * recorder         nav-{site,cameras,permissions,activity,health,settings} open-<serial> looking unreachable verdict[data-level]
 * site             needs-you decide security-news watching watcher cameras camera-<id> camera-name-<id> camera-state-<id>[data-state] camera-alarm-<id>[data-alarm]
 * cameras          cameras-stills cameras-add still[data-shown] still-wait still-problem[data-code]
 * adding           camera-find cameras-search camera-found find-problem camera-add add-{address,user,password,do} added add-problem camera-scan
 *                  scan-{network,do} camera-passwords password-{for-<id>,user,password,do,refused,problem} set-up-<id> set-up-name-<id>
 *                  set-up-name-do-<id> set-up-open-<id>
 * camera           camera-title camera-model stream-main stream-sub picture[data-state=idle|opening|live|ended|not-allowed] video watch watch-stop
 *                  watch-sharp live[data-first-frame-ms] watermark no-picture watch-step watch-ended[data-code] watch-ended-say
 *                  camera-complaint[data-alarm] camera-care camera-{test,remove,remove-sure,keep} test-{verdict,steps,problem}
 * movement         ptz ptz-{up,down,left,right,in,out,home} ptz-problem presets preset-<token> presets-edit preset-{name,store,problem}
 *                  preset-{again,forget,forget-sure,keep}-<token>
 * permissions      application[data-organisation] application-note grant-scope-<scope> grant-duration-{pictures,other}
 *                  grant-all-cameras grant-camera-<id> allow decline grant-problem permission-news grants grant[data-grant] stop hours-{any,some} hours-day-<n>
 *                  hours-from hours-to
 *                  stop-all stop-all-sure nobody-can-watch past-grants withdraw-waiting[data-at-relay] stop-problem
 * activity         log-filter log log-row[data-action][data-result][data-seq] log-older log-head log-witness[data-verdict] log-{all,left,visits,care,verify}
 * log pages        ledger-period ledger-sum ledger ledger-pictures visits-period visits visit[data-refused] retention retention-{full,days,rows,hold,save}
 *                  erase erase-{text,look,person,person-sure,done} incident incident-{note,open,open-sure,open-since,close,news} evidence-{fetch,file}
 * health           health-now health-{cpu,memory,disk,temperature,cameras,uptime,rss} chart[data-drawn] chart-summary chart-value
 *                  health-facts fact[data-fact][data-state]
 * settings         set-recorder-name set-name-<id> set-{sub,main}-resolution-<id> set-{sub,main}-rate-<id> set-user-<id>
 *                  set-password-<id> plan-<recorder|id> plan plan-step[data-path][data-risk] plan-refused[data-path][data-code]
 *                  plan-offers apply-<recorder|id> applied-<recorder|id> applied-step[data-path][data-read-back]
 * installer        setup setup-{company,name,email,pin,pin-again,do} sign-in sign-in-pin sign-in-do sign-in-problem sign-out
 *                  serve-add serve-serial serve-add-do ask ask-scope-<scope> ask-duration ask-note ask-do ask-sent mine mine-none
 *                  mine-grant pending pending-application declined not-allowed[data-scope] not-allowed-ask
 *                  badge-call-back badge-call-back-sure badge-told site-letter
 * anywhere         problem[data-code] problem-retry empty done
 */
import { DOOR_PATHS, DoorFacts } from '../../../agent/contract/door.js';
import { forbidGeneratedCode, parseShape } from '../../../agent/contract/shapes.js';
import { Keyring } from '../client/keyring.js';
import { RecorderClient } from '../client/recorder-client.js';
import type { RelayTransport } from '../client/transport.js';
import { U8Transport } from '../client/u8-transport.js';
import { mountApp } from './app.js';
import { readPortalConfig } from './portal-config.js';
import { tellable } from './state/recorder-session.js';
import { t } from './words.js';

// The content policy forbids what shapes are otherwise checked with.
forbidGeneratedCode();

interface Way {
  readonly tenant: string;
  readonly transport: RelayTransport;
  readonly onSite?: DoorFacts;
}

/** Whose page this is: a recorder's own, which answers at its door, or the portal's, which names the relay. */
async function findWay(): Promise<Way> {
  const door = await fetch(DOOR_PATHS.facts, { cache: 'no-store' });
  if (door.status === 200 && door.headers.get('content-type')?.startsWith('application/json') === true) {
    const onSite = parseShape(DoorFacts, await door.json());
    const { LanTransport } = await import('./lan-piece.js');
    const transport = new LanTransport();
    addEventListener('online', () => transport.retryNow());
    return { tenant: onSite.tenant, transport, onSite };
  }
  const { tenant, relayUrl } = readPortalConfig(await (await fetch('/config.json')).json());
  const transport = new U8Transport({ url: relayUrl ?? new URL('/mqtt', location.href.replace(/^http/, 'ws')).href });
  addEventListener('online', () => transport.retryNow());
  return { tenant, transport };
}

async function start(root: HTMLElement): Promise<void> {
  const way = await findWay();
  const { tenant, transport } = way;
  await mountApp(root, {
    ...way,
    keyring: await Keyring.open(),
    openRecorder: (serial, identity, deviceKey) => new RecorderClient({ transport, scope: { tenant, serial }, identity, deviceKey }),
    // The curve arithmetic is needed once in a recorder's life.
    pair: async (serial, code) => (await import('./pairing-piece.js')).pair({ transport, scope: { tenant, serial }, code }),
  });
}

/** Before anything can be rendered there is only text. */
function showFailure(root: HTMLElement, thrown: unknown): void {
  const { say, fix, code } = tellable(thrown);
  const box = document.createElement('div');
  box.className = 'problem';
  box.setAttribute('role', 'alert');
  for (const text of [say, fix, t.code(code)]) box.append(Object.assign(document.createElement('p'), { textContent: text }));
  root.replaceChildren(box);
}

const root = document.getElementById('app');
if (root !== null) start(root).catch((error: unknown) => showFailure(root, error));
