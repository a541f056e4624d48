import { DriverError, type HostInventory } from '../port.js';

/**
 * Static facts through systeminformation. It starts about a dozen short processes (lscpu, uname and the like), so it is loaded and asked
 * only when someone wants to know; no text from outside is ever handed to it. Rejects with `host.unavailable`.
 */
export async function readInventory(): Promise<HostInventory> {
  try {
    const { default: si } = await import('systeminformation');
    const [system, os, cpu, memory] = await Promise.all([si.system(), si.osInfo(), si.cpu(), si.mem()]);
    return {
      manufacturer: clean(system.manufacturer),
      model: clean(system.model),
      os: clean(`${os.distro} ${os.release}`),
      kernel: clean(os.kernel),
      cpu: clean(`${cpu.manufacturer} ${cpu.brand}`),
      cores: cpu.cores,
      memoryBytes: memory.total,
    };
  } catch (error) {
    throw new DriverError('host.unavailable', 'The machine does not tell what it is.', { cause: error });
  }
}

/** Boards answer with padding, control characters and placeholders such as "To Be Filled By O.E.M."; those become empty. */
export function clean(text: string): string {
  const plain = text
    .replace(/[^\x20-\x7e\u00a0-\u{10ffff}]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 100);
  return /^(to be filled|default string|system (manufacturer|product name|version|serial number)|not specified|unknown|none|-)/i.test(plain)
    ? ''
    : plain;
}
