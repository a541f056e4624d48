import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../words.js';
import { Button } from './basics.js';

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
      const { readCodes } = await import('../code-reader.js');
      if (isGone || video.current === null) return;
      stop = await readCodes(video.current, (text) => {
        if (!isGone && !onText(text)) setMessage(other);
      });
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
