/**
 * Runs tasks side by side: at most `parallel` at once, at most `heavy` heavy ones among them, and one that asks to be alone only when
 * nothing else runs. Heavy ones start first because they take longest; the lonely ones come last.
 */
export async function runScheduled(tasks, { parallel, heavy, run }) {
  const waiting = [...tasks].sort((a, b) => rank(a) - rank(b));
  const going = new Map();
  const mayStart = (task) => {
    if (task.isAlone) return going.size === 0;
    if (going.size >= parallel) return false;
    return !task.isHeavy || [...going.keys()].filter((other) => other.isHeavy).length < heavy;
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

function rank(task) {
  if (task.isAlone) return 2;
  return task.isHeavy ? 0 : 1;
}
