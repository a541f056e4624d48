/** Version of this agent; the same as in package.json (a test compares them). */
export const VERSION = '0.1.0';

/** No instant before this one can be now: this version was made then (ms since 1970 UTC). Raised with every release. */
export const MADE_AT = Date.UTC(2026, 10, 1);
