/** Many cameras in one process, as a site has them: for benches and for tests of fairness. */
import type { CameraOptions, OnvifCamera } from './camera-options.js';
import { startOnvifCamera } from './onvif-camera.js';

/** How the cameras are to be; what is not named here is the same for all. */
export interface ManyOptions extends Omit<CameraOptions, 'name' | 'serial' | 'uuid' | 'port' | 'rtspPort'> {
  /** So many of them, spread evenly over the whole, accept connections and never answer. */
  readonly hanging?: number;
}

/** Cameras that run together. */
export interface ManyCameras {
  /** In order; names are "Camera 1", "Camera 2" and so on, serials "MANY-0001" and so on. */
  readonly all: readonly OnvifCamera[];
  /** Those that answer. */
  readonly well: readonly OnvifCamera[];
  readonly hanging: readonly OnvifCamera[];
  stop(): Promise<void>;
}

/** Which of `count` cameras hang, spread evenly. */
const hangsAt = (index: number, count: number, hanging: number): boolean =>
  Math.floor(((index + 1) * hanging) / count) > Math.floor((index * hanging) / count);

/** Starts `count` cameras on any free ports; they share the clips, so each one costs little but its sockets. */
export async function openCameras(count: number, { hanging = 0, ...options }: ManyOptions = {}): Promise<ManyCameras> {
  const all: OnvifCamera[] = [];
  const stop = async (): Promise<void> => void (await Promise.all(all.map((camera) => camera.stop())));
  try {
    for (let index = 0; index < count; index += 1) {
      const number = String(index + 1);
      const own = { name: `Camera ${number}`, serial: `MANY-${number.padStart(4, '0')}` };
      all.push(await startOnvifCamera({ ...options, ...own, hangs: options.hangs ?? hangsAt(index, count, hanging) }));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const isHanging = (_camera: OnvifCamera, index: number): boolean => hangsAt(index, count, hanging);
  return { all, hanging: all.filter(isHanging), well: all.filter((camera, index) => !isHanging(camera, index)), stop };
}
