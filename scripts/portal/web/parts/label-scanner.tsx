import { useEffect, useRef, useState } from 'preact/hooks';
import { type LabelContent, readLabel } from '../../../../agent/contract/code.js';
import { t } from '../words.js';
import { Button } from './basics.js';

/** The part that is used here; the package's own types are those of a CommonJS module, what is bundled is its ES module. */
interface ScannerModule {
  readonly default: new (
    video: HTMLVideoElement,
    onDecode: (result: { readonly data: string }) => void,
    options: { returnDetailedScanResult: true; preferredCamera: 'environment'; maxScansPerSecond: number },
  ) => { start(): Promise<void>; destroy(): void };
}

/** Reads the label's QR code with this device's camera. The scanner is loaded only when it is wanted. */
export function LabelScanner({ onLabel, onClose }: { onLabel(label: LabelContent): void; onClose(): void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [message, setMessage] = useState<string>(t.pairScanning);
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
          const label = readLabel(data);
          if (label === undefined) setMessage(t.pairScanOther);
          else onLabel(label);
        },
        { returnDetailedScanResult: true, preferredCamera: 'environment', maxScansPerSecond: 8 },
      );
      stop = () => scanner.destroy();
      await scanner.start();
      if (isGone) stop();
    };
    begin().catch(() => {
      setBroken(true);
      setMessage(`${t.pairScanFailed} ${t.pairScanFailedFix}`);
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
