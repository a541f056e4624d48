import { constants, promises as fs } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { AgentError } from '../kernel/errors.js';
import { HOOK_LIMITS_MS, type HookName } from './hook-limits.js';

/**
 * Path of a hook that may be run; undefined when the device has none of that name. It must be a plain executable file of the hooks
 * folder itself (a link could point anywhere), and neither it nor the folder may be writable by everyone.
 * Throws AgentError `hook.unsafe`.
 */
export async function findHook(folder: string, name: HookName): Promise<string | undefined> {
  if (!isAbsolute(folder)) throw unsafe(name, 'the hooks folder must be an absolute path');
  const realFolder = await fs.realpath(folder).catch(() => undefined);
  if (realFolder === undefined) return undefined;
  // The compiler says so already; a name that leads out of the folder must not get here some other way.
  if (!Object.hasOwn(HOOK_LIMITS_MS, name)) throw unsafe(name, 'the protocol has no hook of this name');
  const path = join(realFolder, name);
  const [file, holder] = await Promise.all([fs.lstat(path).catch(noneThere), fs.lstat(realFolder)]);
  if (file === undefined) return undefined;
  if (!file.isFile()) throw unsafe(name, 'it is not a plain file');
  if ((file.mode & 0o002) !== 0 || (holder.mode & 0o1002) === 0o002) throw unsafe(name, 'everyone may change it');
  if (!(await isExecutable(path))) throw unsafe(name, 'it is not executable');
  return path;
}

function noneThere(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
  throw error;
}

async function isExecutable(path: string): Promise<boolean> {
  return fs.access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function unsafe(name: string, why: string): AgentError {
  return new AgentError({
    code: 'hook.unsafe',
    say: `The firmware hook ${name} is not run: ${why}.`,
    fix: 'Install the hook as a plain executable file, owned by root and writable by its owner only.',
    detail: { hook: name },
  });
}
