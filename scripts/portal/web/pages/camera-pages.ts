import '../recorder-view.js';

/** The pages about cameras one by one, as one piece: most looks at a recorder need none of it. */
export { AddCameras } from '../parts/camera-add.js';
export { CameraPage } from './camera.js';
