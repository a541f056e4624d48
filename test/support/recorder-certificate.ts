import { createPrivateKey, sign } from 'node:crypto';
import type { ClientCertificate } from '../../agent/cloud/link.js';
import { fromPem, issueClientCertificate, readCsr, toPem } from '../../agent/contract/der.js';
import { makeWish } from '../../agent/identity/certificate-pair.js';
import type { Authority } from '../../scripts/portal/authority.js';

/** A client certificate for this serial, issued without asking who wants it. */
export async function certificateFor(serial: string, authority: Authority, at = Date.now(), days = 90): Promise<ClientCertificate> {
  const { key, csr } = await makeWish(serial);
  const der = await issueClientCertificate({
    csr: await readCsr(csr),
    authority: fromPem('CERTIFICATE', authority.certificate),
    sign: async (bytes) => sign('sha256', bytes, { key: createPrivateKey(authority.key), dsaEncoding: 'ieee-p1363' }),
    at,
    days,
  });
  return { key, certificate: toPem('CERTIFICATE', der) + authority.certificate };
}
