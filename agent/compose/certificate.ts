import { join } from 'node:path';
import { EnrolmentClient } from '../cloud/enrolment-client.js';
import type { EnrolmentProof } from '../contract/enrolment.js';
import { signStatement } from '../contract/jws.js';
import type { ConnectNumbers } from '../identity/boot-counter.js';
import { CertificateService } from '../identity/certificate.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Base } from './base.js';
import { bookedIssuer } from './booked.js';

/** The client certificate, where the site file names an issuer; undefined without one. */
export function openCertificate(
  { site, stateFolder, serial, keys, signer, clock, log }: Base,
  numbers: ConnectNumbers,
  ledger: Pick<Ledger, 'ask' | 'book'>,
): CertificateService | undefined {
  const { enrol, caFile } = site.cloud ?? {};
  if (enrol === undefined) return undefined;
  return new CertificateService({
    folder: join(stateFolder, 'keys'),
    serial,
    issuer: bookedIssuer(new EnrolmentClient({ url: enrol, caFile, clock }), ledger),
    prove: (csr) => {
      const proof: EnrolmentProof = { v: 1, dev: serial, key: keys.sign.publicJwk, n: numbers.next(), csr };
      return signStatement('connect+jws', proof, signer);
    },
    clock,
    log: log.area('certificate'),
    random: Math.random,
  });
}
