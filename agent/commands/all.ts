import { camerasAddCommand } from './camera-add.js';
import { camerasDiscoverCommand, camerasListCommand, camerasRemoveCommand, camerasShowCommand, camerasTestCommand } from './cameras.js';
import type { CliCommand } from './command.js';
import { incidentCloseCommand, incidentOpenCommand } from './incident.js';
import { type LabelMaker, makeLabelCommand } from './label.js';
import { ledgerCommand } from './ledger.js';
import { logShowCommand, logVerifyCommand } from './log.js';
import { logEraseCommand, logRetentionCommand } from './log-care.js';
import { logExportCommand } from './log-export.js';
import { logPeopleCommand } from './log-people.js';
import { logVisitsCommand } from './log-visits.js';
import { ownerCodeCommand, ownerCommand, ownerRemoveCommand } from './owner.js';
import { permissionsListCommand } from './permissions.js';
import { pressCommand } from './press.js';
import { ptzCommand } from './ptz.js';
import { resetCommand } from './reset.js';
import { type AgentMaker, makeRunCommand } from './run.js';
import { makeSerialMonitorCommand, makeSerialScanCommand, type SerialToolsMaker } from './serial.js';
import { statusCommand } from './status.js';
import { permissionsWithdrawCommand, withdrawCommand } from './withdraw.js';

/** Every command, in the order of the overview. The wiring is handed in, because commands know nothing of it. */
export function allCommands(wiring: AgentMaker & LabelMaker & SerialToolsMaker): readonly CliCommand[] {
  return [
    makeRunCommand(wiring),
    statusCommand,
    camerasListCommand,
    camerasDiscoverCommand,
    camerasAddCommand,
    camerasShowCommand,
    camerasTestCommand,
    camerasRemoveCommand,
    ptzCommand,
    makeSerialScanCommand(wiring),
    makeSerialMonitorCommand(wiring),
    permissionsListCommand,
    permissionsWithdrawCommand,
    withdrawCommand,
    ownerCommand,
    ownerCodeCommand,
    ownerRemoveCommand,
    pressCommand,
    makeLabelCommand(wiring),
    resetCommand,
    logShowCommand,
    logVerifyCommand,
    logExportCommand,
    logPeopleCommand,
    logVisitsCommand,
    logEraseCommand,
    logRetentionCommand,
    ledgerCommand,
    incidentOpenCommand,
    incidentCloseCommand,
  ];
}
