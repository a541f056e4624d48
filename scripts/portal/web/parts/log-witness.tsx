import { useEffect, useState } from 'preact/hooks';
import { fromUtf8 } from '../../../../agent/contract/text.js';
import { topics } from '../../../../agent/contract/topics.js';
import { type WitnessReport, watchLog } from '../../client/log-witness.js';
import { holdTopic } from '../../client/shared-topic.js';
import { tl } from '../log-texts.js';
import type { AppState } from '../state/app-state.js';
import { useApp } from '../state/context.js';
import { recordOf } from '../state/owner-acts.js';
import type { RecorderSession } from '../state/recorder-session.js';

/** What the relay keeps comes within a round trip. */
const RELAY_MS = 2_000;

/** The newest checkpoint at the relay; null when there is none. On the recorder's own page there is no relay: the recorder would vouch for itself. */
async function checkpointAtRelay({ services }: AppState, serial: string): Promise<string | null> {
  const { transport, tenant } = services;
  if (transport.way === 'lan') return null;
  const wanted = topics.checkpoint({ tenant, serial });
  let stop = (): void => undefined;
  const heard = new Promise<string | null>((resolve) => {
    const end = transport.onMessage((topic, payload) => topic === wanted && resolve(fromUtf8(payload)));
    const timer = setTimeout(resolve, RELAY_MS, null);
    stop = () => {
      end();
      clearTimeout(timer);
    };
  });
  const { ready, release } = holdTopic(transport, wanted);
  try {
    await ready;
    return await heard;
  } catch {
    // A relay that does not answer is no evidence of anything.
    return null;
  } finally {
    stop();
    release();
  }
}

/** Compares the log with what this browser and the relay remember of it; undefined where there was nothing to compare. */
async function look(app: AppState, session: RecorderSession): Promise<WitnessReport | undefined> {
  const { link, serial } = session;
  const deviceKey = link.status?.key;
  if (deviceKey === undefined) return undefined;
  const known = recordOf(app, session).checkpoint ?? null;
  const atRelay = await checkpointAtRelay(app, serial);
  const memory = {
    load: async () => known,
    save: (checkpoint: string) => app.saveOwned({ ...recordOf(app, session), checkpoint }),
  };
  const report = await watchLog({ client: link, serial, deviceKey }, memory, atRelay);
  // Before its first signature a recorder has nothing to show, and nobody holds anything against it.
  return report.newest === null && known === null && atRelay === null ? undefined : report;
}

/** One line when the log goes on from what is known of it, and a warning when it does not. Looks when the page opens and after a restart. */
export function LogWitness({ session }: { readonly session: RecorderSession }) {
  const app = useApp();
  const [report, setReport] = useState<WitnessReport | 'none'>();
  const status = session.status.value;
  const boot = session.isReachable ? status?.boot : undefined;
  useEffect(() => {
    if (boot === undefined) return undefined;
    let isCurrent = true;
    look(app, session).then(
      (seen) => isCurrent && setReport(seen),
      () => isCurrent && setReport('none'),
    );
    return () => {
      isCurrent = false;
    };
  }, [session, boot]);
  if (report === undefined) return null;
  if (report === 'none') return <p class="hint">{tl.witness.none}</p>;
  const { verdict, finding } = report;
  if (verdict === 'unproven' || verdict === 'changed') {
    return (
      <div class="problem" role="alert" data-test="log-witness" data-verdict={verdict}>
        <p class="problem-say">{tl.witnessWrong}</p>
        <p>{finding?.say}</p>
        <p>{tl.witnessFix}</p>
      </div>
    );
  }
  return (
    <p class="hint" role="status" data-test="log-witness" data-verdict={verdict}>
      {tl.witness[verdict]}
    </p>
  );
}
