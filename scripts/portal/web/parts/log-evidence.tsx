import { useEffect, useState } from 'preact/hooks';
import { fetchEvidence } from '../../client/log-evidence.js';
import { bytes } from '../format.js';
import { tl } from '../log-texts.js';
import type { RecorderSession } from '../state/recorder-session.js';
import { useAct } from '../state/use-act.js';
import { t } from '../words.js';
import { Button, Problem } from './basics.js';

interface MadeFile {
  readonly name: string;
  readonly href: string;
  readonly size: string;
}

/** The evidence of an incident as two files, made in this browser from what the recorder sends sealed. `since`: when it was opened, ms since 1970. */
export function LogEvidence({ session, since }: { readonly session: RecorderSession; readonly since: number }) {
  const act = useAct();
  const [progress, setProgress] = useState<string>(t.loading);
  const [files, setFiles] = useState<readonly MadeFile[]>([]);
  useEffect(
    () => () => {
      for (const { href } of files) URL.revokeObjectURL(href);
    },
    [files],
  );
  const fetch = async (): Promise<void> => {
    setFiles([]);
    const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    const onProgress = (rows: number, all: number): void => setProgress(tl.evidenceRows(rows, all));
    const { log, ledger } = await fetchEvidence({ client: session.link, wait, onProgress }, { since, now: Date.now() });
    const made = (name: string, parts: readonly string[]): MadeFile => {
      const file = new Blob([...parts], { type: 'application/octet-stream' });
      return { name, href: URL.createObjectURL(file), size: bytes(file.size) };
    };
    setFiles([made('log.jsonl', log), made('ledger.json', [ledger])]);
    setProgress(t.loading);
  };
  return (
    <div>
      <p class="hint">{tl.evidenceIntro}</p>
      {act.error !== undefined && <Problem error={act.error} />}
      <div class="actions">
        <Button test="evidence-fetch" isBusy={act.isBusy} busyText={progress} onPress={() => act.run(fetch)}>
          {tl.evidenceDo}
        </Button>
        {files.map(({ name, href, size }) => (
          <a key={name} class="button button-plain" data-test="evidence-file" href={href} download={`${session.serial}-${name}`}>
            {tl.evidenceSave(name, size)}
          </a>
        ))}
      </div>
    </div>
  );
}
