/** Asks again every 25 ms until there is an answer other than undefined and false; fails by name after `limitMs`. For other processes' state only. */
export async function until<T>(what: string, ask: () => T | Promise<T>, limitMs = 15_000): Promise<Exclude<T, undefined | false>> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
    if (performance.now() > endMs) throw new RangeError(`waited ${limitMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
