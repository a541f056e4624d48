import { correction, generate, mode } from 'lean-qr';

/** What is shown when everything runs. */
export interface WelcomeFacts {
  readonly portalUrl: string;
  /** The agent's ready line. */
  readonly agent: Readonly<Record<string, unknown>>;
  readonly isSerial: boolean;
  readonly camera: 'test' | 'none' | { readonly address: string };
}

/** Address, serial number, verification code and the label's QR, for a terminal. */
export function welcome(facts: WelcomeFacts): string {
  const { agent } = facts;
  const serial = String(agent.serial);
  const label = agent.label as { code: string; label: string } | null;
  const camera =
    facts.camera === 'test' ? 'a test camera (ONVIF, found by discovery)' : facts.camera === 'none' ? 'none' : facts.camera.address;
  const lines = [
    '',
    `  Portal             ${facts.portalUrl}`,
    `  On the recorder    ${typeof agent.lanPort === 'number' ? `https://127.0.0.1:${agent.lanPort}/ (its own certificate: the browser asks once)` : 'its page could not be opened'}`,
    `  Serial number      ${serial}`,
    label === null ? '  Verification code  used: this recorder has an owner' : `  Verification code  ${label.code}`,
    `  Camera             ${camera}${facts.isSerial ? ', moved by Pelco-D on a serial line' : ''}`,
    '',
    ...(label === null ? [] : [indent(terminalQr(label.label)), '']),
    label === null
      ? '  Open the portal in the browser that paired this recorder: the owner’s key is kept there. Stop with Ctrl-C.'
      : '  Open the portal, choose "I own this site", and pair. Stop with Ctrl-C.',
    '',
    '',
  ];
  return lines.join('\n');
}

/** Two modules per character cell, light on dark terminals and the other way round alike: a quiet zone of two is drawn too. */
export function terminalQr(text: string): string {
  const code = generate(text, { minCorrectionLevel: correction.M, modes: [mode.alphaNumeric] });
  const isDark = (x: number, y: number): boolean => x >= 0 && y >= 0 && x < code.size && y < code.size && code.get(x, y);
  const rows: string[] = [];
  for (let y = -2; y < code.size + 2; y += 2) {
    let row = '';
    for (let x = -2; x < code.size + 2; x += 1) row += HALVES[(isDark(x, y) ? 1 : 0) + (isDark(x, y + 1) ? 2 : 0)];
    rows.push(`\u001b[97;40m${row}\u001b[0m`);
  }
  return rows.join('\n');
}

/** Drawn in white on black: what is dark in the code is the background. */
const HALVES = ['█', '▄', '▀', ' '];

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}
