import { signal } from './state/signal.js';

/** Segments after `#/`, decoded. Everything after the `#` stays in the browser: no server learns which recorder is looked at. */
export type Path = readonly string[];

function read(): Path {
  return location.hash
    .replace(/^#\/?/, '')
    .split('/')
    .filter((part) => part !== '')
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
}

/** The page that is shown; follows the address. */
export const path = signal<Path>(read());

globalThis.addEventListener('hashchange', () => {
  path.value = read();
});

/** The link to a page: `href('own', serial, 'cameras')`. */
export function href(...parts: readonly string[]): string {
  return `#/${parts.map(encodeURIComponent).join('/')}`;
}

/** The address of the app itself, without what stands behind it: what a link for another device begins with. */
export const pageAddress = (): string => location.origin + location.pathname;

/** Opens a page: `go('own', serial)`. */
export function go(...parts: readonly string[]): void {
  location.hash = href(...parts);
}

/** Like `go`, without a step for the browser's back button: for pages that a person never chose. */
export function replace(...parts: readonly string[]): void {
  location.replace(href(...parts));
}
