/**
 * Runs tasks side by side: at most `parallel` at once, at most `heavy` heavy ones among them, and one that asks to be alone only when
 * nothing else runs. One that mostly waits starts at once and is not counted, two such at a time. Then come the heavy ones, those that may take
 * longest first, so that none of them is left over at the end; the lonely ones come last.
 */
export async function runScheduled(tasks, { parallel, heavy, run }) {
  const waiting = [...tasks].sort((a, b) => rank(a) - rank(b) || (b.limitMs ?? 0) - (a.limitMs ?? 0));
  const going = new Map();
  const mayStart = (task) => {
    if (task.isAlone) return going.size === 0;
    const others = [...going.keys()];
    if (task.isWaiting) return others.filter((other) => other.isWaiting).length < WAITING;
    const counted = others.filter((other) => !other.isWaiting);
    if (counted.length >= parallel) return false;
    return !task.isHeavy || counted.filter((other) => other.isHeavy).length < heavy;
  };
  while (waiting.length > 0 || going.size > 0) {
    for (let at = waiting.findIndex(mayStart); at >= 0; at = waiting.findIndex(mayStart)) {
      const [task] = waiting.splice(at, 1);
      going.set(
        task,
        run(task).finally(() => going.delete(task)),
      );
      if (task.isAlone) break;
    }
    await Promise.race(going.values());
  }
}

/** So many that mostly wait, beside the counted ones. */
const WAITING = 2;

function rank(task) {
  if (task.isAlone) return 3;
  if (task.isWaiting) return 0;
  return task.isHeavy ? 1 : 2;
}
