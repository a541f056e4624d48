const WITH_LOGIN = /\b([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@:]*:[^\s/@]*@/gi;
const NAMED_SECRET =
  /\b(password|passwd|pwd|psk|secret|token|authorization|nonce|cnonce|response)(["']?\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s,;&]+)/gi;
const SECRET_KEY = /^(password|passwd|pwd|psk|secret|token|authorization|code|login)$/i;

/** A text without credentials: logins inside URIs and `name=value` pairs whose name says that it is secret. */
export function redactText(text: string): string {
  return text.replace(WITH_LOGIN, '$1[secret]@').replace(NAMED_SECRET, '$1$2[secret]');
}

/**
 * A copy of `value` that is safe to write down: secret keys are blanked, texts redacted, errors reduced to their chain of
 * messages, depth and width bounded (a log line must never be larger than what it tells of).
 */
export function redactValue(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value.length > 2000 ? `${value.slice(0, 2000)}…` : value);
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value !== 'object') return typeof value === 'function' ? '[function]' : value;
  if (depth > 5) return '[deeper]';
  if (value instanceof Error) return describeError(value, depth);
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.slice(0, 50).map((item) => redactValue(item, depth + 1));
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return (value as { toJSON(): unknown }).toJSON();
  const out: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value).slice(0, 50)) {
    out[key] =
      SECRET_KEY.test(key) && item !== null && item !== undefined && typeof item !== 'object' ? '[secret]' : redactValue(item, depth + 1);
  }
  return out;
}

function describeError(error: Error, depth: number): unknown {
  const code = (error as { code?: unknown }).code;
  return {
    error: redactText(error.message),
    ...(typeof code === 'string' && !error.message.startsWith(code) ? { errorCode: code } : {}),
    ...(error.cause === undefined ? {} : { cause: redactValue(error.cause, depth + 1) }),
  };
}
