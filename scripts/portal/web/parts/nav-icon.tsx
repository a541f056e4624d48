import type { RecorderPage } from './recorder-pages.js';

/** One line drawing per page, 24 by 24; the word stands beside or below. */
const PATHS: Record<RecorderPage, string> = {
  site: 'M4 11 12 4l8 7v9h-6v-6h-4v6H4Z',
  cameras: 'M3 8h12v8H3Zm12 3 6-3v8l-6-3',
  permissions: 'M12 3 5 6v5c0 5 3 8 7 10 4-2 7-5 7-10V6Zm-3 9 2 2 4-4',
  activity: 'M5 6h14M5 12h14M5 18h9',
  health: 'M3 12h4l2-6 4 12 3-8 1 2h4',
  settings: 'M4 7h9m4 0h3M4 17h3m4 0h9M15 4.5v5M9 14.5v5',
};

/** The drawing of a page. */
export function NavIcon({ page }: { readonly page: RecorderPage }) {
  return (
    <svg class="nav-icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[page]} />
    </svg>
  );
}
