/** Finds a QR code in a picture; undefined when there is none. */
type Find = (picture: HTMLCanvasElement) => Promise<string | undefined>;

/** Parts of the Shape Detection API, which has no types of its own yet (wicg.github.io/shape-detection-api). */
interface Detector {
  detect(picture: HTMLCanvasElement): Promise<readonly { readonly rawValue: string }[]>;
}
interface DetectorClass {
  new (options: { readonly formats: readonly string[] }): Detector;
  getSupportedFormats(): Promise<readonly string[]>;
}

/** The part of the package that is used: its worker. What looks after camera and timing is written here and a tenth of its size. */
interface WorkerModule {
  createWorker(): Worker;
}
interface Found {
  readonly id: number;
  readonly data: string | null;
}

/** Fine enough for a code of 90 modules: a link with a statement in it is that long. */
const SIDE = 720;
const PERIOD_MS = 125;

async function nativeFind(): Promise<Find | undefined> {
  const { BarcodeDetector } = globalThis as { BarcodeDetector?: DetectorClass };
  if (BarcodeDetector === undefined || !(await BarcodeDetector.getSupportedFormats()).includes('qr_code')) return undefined;
  const detector = new BarcodeDetector({ formats: ['qr_code'] });
  return async (picture) => (await detector.detect(picture))[0]?.rawValue;
}

async function workerFind(onEnd: (end: () => void) => void): Promise<Find> {
  const { createWorker } = (await import('qr-scanner/qr-scanner-worker.min.js' as string)) as WorkerModule;
  const worker = createWorker();
  onEnd(() => worker.terminate());
  let id = 0;
  return (picture) => {
    const pixels = picture.getContext('2d')?.getImageData(0, 0, picture.width, picture.height);
    id += 1;
    const mine = id;
    return new Promise((resolve, reject) => {
      const hear = ({ data }: MessageEvent<Found>): void => {
        if (data.id !== mine) return;
        worker.removeEventListener('message', hear);
        resolve(data.data ?? undefined);
      };
      worker.addEventListener('message', hear);
      worker.onerror = reject;
      if (pixels !== undefined) worker.postMessage({ id: mine, type: 'decode', data: pixels }, [pixels.data.buffer]);
    });
  };
}

/** The largest square in the middle of what the camera shows, scaled to what can be searched eight times a second. */
function copySquare(video: HTMLVideoElement, picture: HTMLCanvasElement): boolean {
  const side = Math.min(video.videoWidth, video.videoHeight);
  if (side === 0) return false;
  picture.width = picture.height = Math.min(side, SIDE);
  const pen = picture.getContext('2d', { willReadFrequently: true });
  pen?.drawImage(video, (video.videoWidth - side) / 2, (video.videoHeight - side) / 2, side, side, 0, 0, picture.width, picture.height);
  return pen !== null;
}

/**
 * Reads QR codes with this device's camera, shown in `video`, until the returned function is called; each code is told as often as it is seen.
 * Rejects when there is no camera or it may not be used.
 */
export async function readCodes(video: HTMLVideoElement, onText: (text: string) => void): Promise<() => void> {
  const ends: (() => void)[] = [];
  const stop = (): void => {
    for (const end of ends.splice(0)) end();
  };
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
    ends.push(() => {
      for (const track of stream.getTracks()) track.stop();
    });
    video.srcObject = stream;
    await video.play();
    const find = (await nativeFind()) ?? (await workerFind((end) => ends.push(end)));
    const picture = document.createElement('canvas');
    let isBusy = false;
    const look = async (): Promise<void> => {
      if (isBusy || !copySquare(video, picture)) return;
      isBusy = true;
      const text = await find(picture).catch(() => undefined);
      isBusy = false;
      if (text !== undefined && ends.length > 0) onText(text);
    };
    const timer = setInterval(() => void look(), PERIOD_MS);
    ends.push(() => clearInterval(timer));
    return stop;
  } catch (error) {
    stop();
    throw error;
  }
}
