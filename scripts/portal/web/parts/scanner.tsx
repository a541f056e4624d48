import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../words.js';
import { Button } from './basics.js';

/** The part that is used here; the package's own types are those of a CommonJS module, what is bundled is its ES module. */
interface ScannerModule {
  readonly default: new (
    video: HTMLVideoElement,
    onDecode: (result: { readonly data: string }) => void,
    options: {
      returnDetailedScanResult: true;
      preferredCamera: 'environment';
      maxScansPerSecond: number;
      calculateScanRegion(video: HTMLVideoElement): ScanRegion;
    },
  ) => { start(): Promise<void>; destroy(): void };
}

interface ScanRegion {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly downScaledWidth: number;
  readonly downScaledHeight: number;
}

/** The largest square in the middle, fine enough for a code of 90 modules: a link with a statement in it is that long. */
function scanRegion({ videoWidth, videoHeight }: HTMLVideoElement): ScanRegion {
  const side = Math.min(videoWidth, videoHeight);
  const scaled = Math.min(side, 720);
  return {
    x: Math.round((videoWidth - side) / 2),
    y: Math.round((videoHeight - side) / 2),
    width: side,
    height: side,
    downScaledWidth: scaled,
    downScaledHeight: scaled,
  };
}

interface ScannerProps {
  /** What to point at, and what to say of a code that is something else. */
  readonly hint: string;
  readonly other: string;
  readonly failed: string;
  /** False for a code that is something else: scanning goes on. */
  onText(text: string): boolean;
  onClose(): void;
}

/** Reads QR codes with this device's camera. The scanner is loaded only when it is wanted. */
export function Scanner({ hint, other, failed, onText, onClose }: ScannerProps) {
  const video = useRef<HTMLVideoElement>(null);
  const [message, setMessage] = useState<string>(hint);
  const [isBroken, setBroken] = useState(false);

  useEffect(() => {
    let stop = (): void => undefined;
    let isGone = false;
    const begin = async (): Promise<void> => {
      const { default: QrScanner } = (await import('qr-scanner')) as unknown as ScannerModule;
      if (isGone || video.current === null) return;
      const scanner = new QrScanner(
        video.current,
        ({ data }) => {
          if (!isGone && !onText(data)) setMessage(other);
        },
        { returnDetailedScanResult: true, preferredCamera: 'environment', maxScansPerSecond: 8, calculateScanRegion: scanRegion },
      );
      stop = () => scanner.destroy();
      await scanner.start();
      if (isGone) stop();
    };
    begin().catch(() => {
      setBroken(true);
      setMessage(`${t.pairScanFailed} ${failed}`);
    });
    return () => {
      isGone = true;
      stop();
    };
  }, []);

  return (
    <div class="scanner" data-test="scanner">
      {/* The camera's own picture has no sound and no words. */}
      <video ref={video} class={isBroken ? 'hidden' : 'scan-video'} muted playsInline />
      <p role="status" data-test="scan-message">
        {message}
      </p>
      <Button test="scan-close" onPress={onClose}>
        {t.pairScanStop}
      </Button>
    </div>
  );
}
