import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LanTransport } from '../../scripts/portal/client/lan-transport.js';
import type { AgentProcess } from './agent-process.js';
import { pageFetch } from './lan-fetch.js';
import { until } from './until.js';

/** `lan` of a site file for tests: on loopback, on any free port. */
export const LAN_SITE = { bindAddress: '127.0.0.1', port: 0 } as const;

/** The open door of a running agent. */
export interface AgentDoor {
  readonly port: number;
  readonly origin: string;
  /** Its certificate, PEM. */
  readonly ca: string;
}

/** Where the agent says that its door is; the newest when it was opened several times. */
export async function doorOf(agent: AgentProcess, stateFolder: string): Promise<AgentDoor> {
  const port = await until('the door is open', () => {
    const lines = agent.log.map((line) => JSON.parse(line) as { area?: string; message?: string; port?: number });
    return lines.findLast(({ area, message }) => area === 'lan' && message === 'the local door is open')?.port;
  });
  const ca = await readFile(join(stateFolder, 'keys', 'door.pem'), 'utf8');
  return { port, origin: `https://127.0.0.1:${port}`, ca: ca.slice(ca.indexOf('-----BEGIN CERTIFICATE')) };
}

/** An app at the door. */
export function doorTransport({ origin, ca }: AgentDoor): LanTransport {
  return new LanTransport({ origin, random: () => 0.01, fetch: pageFetch(origin, () => ca) });
}
