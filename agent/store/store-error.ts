import { AgentError } from '../kernel/errors.js';

interface Kind {
  readonly code: string;
  readonly say: string;
  readonly fix: string;
  readonly retryable: boolean;
}

const FULL: Kind = {
  code: 'store.full',
  say: 'The disk that holds the agent’s state is full.',
  fix: 'Free some space on that disk; the agent goes on by itself.',
  retryable: true,
};
const READONLY: Kind = {
  code: 'store.readonly',
  say: 'The agent’s state cannot be written.',
  fix: 'Make the state folder writable for the agent’s user, or mount its disk for writing.',
  retryable: false,
};
const CORRUPT: Kind = {
  code: 'store.corrupt',
  say: 'A file with the agent’s state is damaged.',
  fix: 'Restart the agent: it sets the damaged file aside and starts a new one.',
  retryable: false,
};
const BUSY: Kind = {
  code: 'store.busy',
  say: 'Another program holds the agent’s state.',
  fix: 'End the other program, or wait until it is done.',
  retryable: true,
};
const OTHER: Kind = {
  code: 'store.failed',
  say: 'The agent’s state could not be read or written.',
  fix: 'Look at the disk’s health; the cause is in the log.',
  retryable: false,
};

const KINDS: Readonly<Record<string, Kind>> = {
  SQLITE_FULL: FULL,
  ENOSPC: FULL,
  EDQUOT: FULL,
  SQLITE_READONLY: READONLY,
  SQLITE_PERM: READONLY,
  SQLITE_CANTOPEN: READONLY,
  EROFS: READONLY,
  EACCES: READONLY,
  EPERM: READONLY,
  SQLITE_CORRUPT: CORRUPT,
  SQLITE_NOTADB: CORRUPT,
  SQLITE_BUSY: BUSY,
  SQLITE_LOCKED: BUSY,
};

/** Any failure of the database or its files as an AgentError `store.*`: full, readonly, corrupt, busy or failed. */
export function storeError(thrown: unknown, path?: string): AgentError {
  if (thrown instanceof AgentError) return thrown;
  const code = String((thrown as { code?: unknown } | null)?.code ?? '');
  return new AgentError({ ...(KINDS[code] ?? OTHER), cause: thrown, detail: { cause: code, ...(path === undefined ? {} : { path }) } });
}
