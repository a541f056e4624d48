import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bookedIssuer } from '../../../../agent/compose/booked.js';
import { Ledger, type LedgerStore } from '../../../../agent/ledger/ledger.js';
import type { ConsentFacts, LedgerLine } from '../../../../agent/ledger/policy.js';
import { TestLog } from '../../../support/test-log.js';
import { VirtualClock } from '../../../support/virtual-clock.js';
import { codeOf } from '../store/scratch.js';

test('the issuer of another operator hears nothing until the owner agrees; what it hears then is in the book', async () => {
  const consent = { hasOwner: true, isOperatorAgreed: false };
  const lines: LedgerLine[] = [];
  const store: LedgerStore = { add: async (added) => void lines.push(...added), between: async () => lines, prune: async () => undefined };
  const refused: string[] = [];
  const ledger = new Ledger({
    store,
    consent: (): ConsentFacts => consent,
    onRefused: (what, to) => void refused.push(`${what} ${to}`),
    clock: new VirtualClock(),
    log: new TestLog(),
  });
  const asked: unknown[] = [];
  const issuer = bookedIssuer(
    {
      enrol: async (request) => {
        asked.push(request);
        return 'chain';
      },
    },
    ledger,
  );
  const request = { v: 1, csr: 'csr', proof: 'proof' } as const;
  const { signal } = new AbortController();
  assert.is(await codeOf(issuer.enrol(request, signal)), 'ledger.outside_consent');
  assert.equal([asked, refused], [[], ['identity issuer']]);
  consent.isOperatorAgreed = true;
  assert.is(await issuer.enrol(request, signal), 'chain');
  await ledger.flush();
  assert.equal(
    lines.map(({ what, to, messages }) => [what, to, messages]),
    [['identity', 'issuer', 1]],
  );
  Object.assign(consent, { hasOwner: false, isOperatorAgreed: true });
  assert.is(await issuer.enrol(request, signal), 'chain', 'a recorder without an owner must get a name before it can be paired');
});

test.run();
