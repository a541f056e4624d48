import type { LabelOptions } from '../commands/label.js';
import { formatCode, labelText } from '../contract/code.js';
import type { LabelCode } from '../contract/control.js';
import { AgentError } from '../kernel/errors.js';
import { openBase } from './base.js';
import { openOperationLog } from './operation-log.js';
import { openPairing } from './pairing.js';
import { openPermissions } from './permissions.js';

/**
 * Makes the factory label while no agent runs: the same acts on the same files as in a running agent, without drivers and without a cloud. The
 * state folder must be prepared and locked. @throws AgentError pairing.owned | label_exists
 */
export async function makeLabelAlone({ isAgain, ...options }: LabelOptions): Promise<LabelCode> {
  const base = await openBase(options);
  const { serial, region, plate, stores } = base;
  try {
    const permissions = await openPermissions(base, () => []);
    const operationLog = openOperationLog({ ...base, key: base.keys.sign.publicJwk, site: () => undefined });
    await operationLog.start();
    const pairing = openPairing({ ...base, operator: null, permissions, operationLog });
    await pairing.start();
    try {
      const intent = await operationLog.intent({ action: 'pairing.label', source: 'local', actor: 'local', after: { isAgain } });
      const code = await pairing.makeLabel({ again: isAgain }).catch(async (error: unknown) => {
        const reason = error instanceof AgentError ? error.code : 'pairing.failed';
        await operationLog.result(intent, { result: 'refused', code: reason });
        throw error;
      });
      await operationLog.result(intent, { result: 'ok' });
      return { serial, model: plate.model, code: formatCode(code), label: labelText({ serial, code, region }) };
    } finally {
      await pairing.stop();
      await operationLog.stop();
    }
  } finally {
    await stores.close();
  }
}
