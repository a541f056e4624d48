import { ownerIdentity } from '../../client/identity.js';
import type { OwnedRecorder } from '../../client/keyring.js';
import type { AppState } from './app-state.js';
import { leaveAtRelay, settleWaiting } from './owner-acts.js';

const AGAIN_MS = 30_000;

/**
 * Gives the orders that wait to their recorders, whichever page is shown: each recorder is listened to until it has its order. One that the relay
 * did not take is offered to it once more when this app is connected again; not oftener, because a relay that refuses ends the connection.
 */
export function deliverWaiting(app: AppState): () => void {
  const open = new Map<string, () => void>();
  const offered = new Set<string>();
  const look = (): void => {
    for (const record of app.owned.value) {
      const { serial, waiting } = record;
      if (waiting === null) {
        open.get(serial)?.();
        open.delete(serial);
        continue;
      }
      if (!app.isOnline.value) continue;
      if (!open.has(serial))
        open.set(
          serial,
          listen(app, record, () => open.delete(serial)),
        );
      if (waiting.isAtRelay || offered.has(serial)) continue;
      offered.add(serial);
      void leaveAtRelay(app, serial);
    }
  };
  const stops = [app.owned.subscribe(look), app.isOnline.subscribe(look)];
  return () => {
    for (const end of [...stops, ...open.values()]) end();
  };
}

/** Settles when the recorder shows itself, and again now and then until it worked. */
function listen(app: AppState, { serial, signer, deviceKey }: OwnedRecorder, onFailed: () => void): () => void {
  const link = app.services.openRecorder(serial, ownerIdentity(signer), deviceKey);
  let isBusy = false;
  const settle = (): void => {
    if (isBusy || link.status?.state !== 'online') return;
    isBusy = true;
    link
      .call('permissions.list', {})
      .then((permissions) => settleWaiting(app, { serial, link }, permissions))
      .catch(() => undefined) // Tried again.
      .finally(() => {
        isBusy = false;
      });
  };
  const stop = link.onStatus(settle);
  // What the relay shows as connected may have been gone for a while, and its coming back is then told by nobody.
  const timer = setInterval(settle, AGAIN_MS);
  const end = (): void => {
    clearInterval(timer);
    stop();
    link.close();
  };
  link.start().catch(() => {
    end();
    onFailed();
  });
  return end;
}
