/**
 * The one DTLS fingerprint of an SDP, as `sha-256 AB:CD:…`; undefined when there is none, another hash, or more than one: then it is not
 * certain whom the handshake would trust (RFC 8122).
 */
export function sdpFingerprint(sdp: string): string | undefined {
  const lines = sdp.split(/\r?\n/).filter((line) => /^a=fingerprint:/i.test(line));
  const found = new Set(lines.map((line) => line.slice('a=fingerprint:'.length).trim()));
  const [only] = found;
  if (found.size !== 1 || only === undefined) return undefined;
  const match = /^(sha-256)\s+((?:[0-9A-F]{2}:){31}[0-9A-F]{2})$/i.exec(only);
  return match === null ? undefined : `sha-256 ${(match[2] ?? '').toUpperCase()}`;
}
