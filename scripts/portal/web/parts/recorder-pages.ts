/** The pages of a recorder, in the order that is the same everywhere. */
export const RECORDER_PAGES = ['site', 'cameras', 'permissions', 'activity', 'health', 'settings'] as const;
/** Name of a page as it stands in the address. */
export type RecorderPage = (typeof RECORDER_PAGES)[number];
