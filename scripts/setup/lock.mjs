/** One set-up at a time: `npm start` and `npm test` may be called at once in one clone. */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { SetupFailure } from './failure.mjs';
import { say } from './run.mjs';

const POLL_MS = 200;

/** Start time in clock ticks since boot: tells a process from a later one with the same number. Empty where there is no /proc. */
function bornAt(pid) {
  try {
    return (
      readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ')[19] ?? ''
    );
  } catch {
    return '';
  }
}

function isHeld(owner) {
  const [pid, born] = owner.split(' ');
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if (error.code !== 'EPERM') return false;
  }
  return born === '' || bornAt(pid) === born;
}

/** Linking a finished file makes the lock appear with its owner inside: there is no moment at which it is held by nobody. */
function take(path, me) {
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, me);
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(mine, { force: true });
  }
}

function ownerOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Moves a dead owner's lock away. Should a living one have taken its place meanwhile, that one is put back. */
function clearDead(path, dead) {
  const aside = `${path}.${process.pid}.dead`;
  try {
    renameSync(path, aside);
    if (readFileSync(aside, 'utf8') !== dead) linkSync(aside, path);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/** Runs `act` while this process alone holds the lock at `path`; waits for whoever holds it, and takes over from the dead. */
export async function withLock(path, act) {
  const me = `${process.pid} ${bornAt(process.pid)}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    let hasSaid = false;
    while (!take(path, me)) {
      const owner = ownerOf(path);
      if (owner === undefined) continue;
      if (!isHeld(owner)) {
        clearDead(path, owner);
        continue;
      }
      if (!hasSaid) say(`Another process (${owner.split(' ')[0]}) is installing packages here; waiting for it.`);
      hasSaid = true;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  } catch (error) {
    if (!['EACCES', 'EROFS', 'EPERM'].includes(error.code)) throw error;
    throw new SetupFailure(`Packages have to be installed, but ${dirname(dirname(path))} cannot be written to: run this as its owner.`);
  }
  const release = () => rmSync(path, { force: true });
  process.on('exit', release);
  try {
    return await act();
  } finally {
    process.off('exit', release);
    release();
  }
}
