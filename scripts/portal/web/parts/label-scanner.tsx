import { type LabelContent, readLabel } from '../../../../agent/contract/code.js';
import { t } from '../words.js';
import { Scanner } from './scanner.js';

/** Reads the label's QR code with this device's camera. */
export function LabelScanner({ onLabel, onClose }: { onLabel(label: LabelContent): void; onClose(): void }) {
  return (
    <Scanner
      hint={t.pairScanning}
      other={t.pairScanOther}
      failed={t.pairScanFailedFix}
      onClose={onClose}
      onText={(text) => {
        const label = readLabel(text);
        if (label !== undefined) onLabel(label);
        return label !== undefined;
      }}
    />
  );
}
