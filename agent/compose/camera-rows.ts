import type { CameraNote } from '../cameras/ports.js';
import type { Log } from '../kernel/log.js';
import type { EntryInput } from '../operation-log/entry.js';
import type { OperationLog } from '../operation-log/ports.js';

const BY_ITSELF = { phase: 'result', result: 'ok', source: 'system', actor: 'system' } as const;

/** What cameras did by themselves as rows of the operation log. A row that cannot be written is told in the log of the machine only. */
export function cameraRows(operationLog: Pick<OperationLog, 'append'>, log: Log): (note: CameraNote) => void {
  return (note) =>
    void operationLog
      .append(rowOf(note))
      .catch((error: unknown) => log.error('what a camera did could not be written to the operation log', { kind: note.kind, error }));
}

/** Addresses stand in the detail, which can be erased. */
function rowOf(note: CameraNote): EntryInput {
  const { channel } = note;
  switch (note.kind) {
    case 'appeared':
      return { ...BY_ITSELF, action: 'cameras.appeared', channel };
    case 'moved':
      return { ...BY_ITSELF, action: 'cameras.moved', channel, before: { host: note.fromHost }, after: { host: note.toHost } };
    case 'alarm':
      return { ...BY_ITSELF, action: note.isOn ? 'cameras.alarm' : 'cameras.alarm-over', channel, object: note.alarm };
    case 'input':
      return { ...BY_ITSELF, action: 'cameras.input', channel, object: note.input, after: { isOn: note.isOn } };
  }
}
