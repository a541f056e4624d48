/** What every page of a recorder may use, as first-view.ts says it of the first view: for the pieces that are loaded from within those pages. */
import './first-view.js';
import './names.js';
import './parts/camera-list.js';
import './parts/camera-still.js';
import './parts/loaded.js';
import './parts/wall.js';
import './permission-parts.js';
import './recorder-texts.js';
import './state/owner-acts.js';
import './state/use-act.js';
import './state/use-answer.js';
import './trust-words.js';
