import { useEffect, useState } from 'preact/hooks';
import { type QrDrawing, qrPath } from '../qr-path.js';

async function draw(text: string): Promise<QrDrawing> {
  const { generate } = await import('lean-qr/nano');
  return qrPath(generate(text));
}

/** A square code of a text, dark on white in the dark as well: many readers know no other. */
export function Qr({ text, label }: { readonly text: string; readonly label: string }) {
  const [drawing, setDrawing] = useState<QrDrawing>();
  useEffect(() => {
    let isCurrent = true;
    setDrawing(undefined);
    // Without it there is still the text beside.
    draw(text).then(
      (made) => isCurrent && setDrawing(made),
      () => undefined,
    );
    return () => {
      isCurrent = false;
    };
  }, [text]);
  if (drawing === undefined) return <div class="qr" />;
  return (
    <svg class="qr" role="img" aria-label={label} viewBox={`0 0 ${drawing.size} ${drawing.size}`} shape-rendering="crispEdges">
      <path d={drawing.path} />
    </svg>
  );
}
