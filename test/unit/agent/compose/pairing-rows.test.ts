/** Tries to pair, as the operation log tells them: from where on the local network, never where that is. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openPairing, type PairingSide } from '../../../../agent/compose/pairing.js';
import type { PairRequest } from '../../../../agent/contract/pairing.js';
import { newId } from '../../../../agent/contract/text.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';
import { TestLog } from '../../../support/test-log.js';
import { VirtualClock } from '../../../support/virtual-clock.js';
import { withLog } from '../operation-log/open-log.js';

const REMOTE = 'kQ3xkQ3xkQ3xkQ3xkQ3xkQ';

test('a try and a refused knock carry the keyed hash of the address at the door; the relay tells none', () =>
  withLog(async (log, folder) => {
    const { signer, publicKey } = await newSigningKey();
    const sign = { ...signer, publicJwk: publicKey };
    const pairing = openPairing({
      ...{ stateFolder: folder, serial: 'SN4F2K7Q9D', boot: newId(), operator: null },
      keys: { sign, seal: sign } as unknown as PairingSide['keys'],
      permissions: { owner: null, epoch: 1 } as unknown as PairingSide['permissions'],
      ...{ operationLog: log.service, clock: new VirtualClock(), log: new TestLog() },
    });
    await pairing.start();
    const hello: PairRequest = { t: 'pair.hello', v: 1, sid: newId(), app: newId() };
    assert.is((await pairing.handle(hello, 'lan', REMOTE)).t, 'pair.err', 'no code counts yet');
    await pairing.press({ newCode: true });
    // Charged before it is found out that this is no share of anybody's.
    const start = { t: 'pair.start', v: 1, sid: newId(), app: newId(), shareP: 'not base64url' } as PairRequest;
    await pairing.handle(start, 'lan', REMOTE);
    await pairing.handle(start, 'relay');
    await log.service.position();
    const rows = (await log.service.list({ action: 'pairing.try', limit: 9 })).map(({ entry }) => entry);
    assert.equal(
      rows.map((row) => [row?.source, row?.remote, row?.result, row?.code]),
      [
        ['lan', REMOTE, 'refused', 'pairing.closed'],
        ['lan', REMOTE, 'ok', 'pairing.tried'],
        ['relay', undefined, 'ok', 'pairing.tried'],
      ],
    );
    await pairing.stop();
  }));

test.run();
