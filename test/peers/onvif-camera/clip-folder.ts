import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the pre-encoded clips. Code runs from the build mirror, media stay beside the sources. */
export const CLIP_FOLDER = join(dirname(fileURLToPath(import.meta.url)).replace(/[/\\]\.build(?=[/\\])/, ''), 'clip');
