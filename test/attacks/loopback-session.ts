/**
 * Run by loopback-only.test.ts in a network namespace of its own, never elsewhere: it makes a network device that everything not meant for
 * this machine would leave through, then has a whole site live on loopback, and prints what left as one line of JSON. Arguments are
 * STUN servers for the site file.
 */
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { readFileSync, writeFileSync } from 'node:fs';
import { watchInNode } from '../support/node-viewer.js';
import { openSite } from '../support/site.js';
import { until } from '../support/until.js';

const DEVICE = 'lan';
const OWN = '10.77.0.1';
/** Documentation addresses (RFC 5737): somewhere in the internet. */
const ELSEWHERE = '192.0.2.1';

const ip = (...words: readonly string[]): void => void execFileSync('ip', words, { stdio: 'inherit' });

/** Packets sent per device of this namespace. Not from /sys, which shows the namespace that it was mounted in. */
function devices(): Map<string, number> {
  const lines = readFileSync('/proc/net/dev', 'utf8').trim().split('\n').slice(2);
  return new Map(lines.map((line) => [line.split(':')[0]?.trim() ?? '', Number(line.split(':')[1]?.trim().split(/\s+/)[9])]));
}

const sent = (): number => devices().get(DEVICE) ?? Number.NaN;

/** A device with a default route. IPv6 is off on it: the kernel itself would say hello there. */
function makeDevice(): void {
  const known = [...devices().keys()];
  if (known.some((name) => name !== 'lo')) throw new RangeError(`not in a namespace of its own: ${known.join(', ')}`);
  ip('link', 'set', 'lo', 'up');
  ip('link', 'add', DEVICE, 'type', 'veth', 'peer', 'name', 'wan');
  for (const end of [DEVICE, 'wan']) {
    ip('link', 'set', end, 'addrgenmode', 'none');
    writeFileSync(`/proc/sys/net/ipv6/conf/${end}/disable_ipv6`, '1');
    // Without ARP what is sent leaves at once, although nobody is there.
    ip('link', 'set', end, 'arp', 'off', 'up');
  }
  ip('addr', 'add', `${OWN}/24`, 'dev', DEVICE);
  ip('route', 'add', 'default', 'via', '10.77.0.2', 'dev', DEVICE);
}

async function sendOne(): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve, reject) => socket.send('out', 9, ELSEWHERE, (error) => (error === null ? resolve() : reject(error))));
  await new Promise<void>((resolve) => socket.close(() => resolve()));
}

/** Discovery, pairing, a picture with every address of the machine as candidate, its end, and the end of the agent. */
async function live(): Promise<{ packets: number; candidates: string[] }> {
  const site = await openSite({
    cameras: [{ discovery: true }],
    site: {
      cameras: { discoveryAddresses: ['127.0.0.1'], logins: [{ user: 'admin', password: 'camera' }] },
      live: { iceServers: process.argv.slice(2) },
    },
  });
  try {
    await site.online();
    const viewer = await watchInNode(site.owner.client, 'cam-1', { bindAddress: '0.0.0.0' });
    await viewer.firstPacket();
    await until('pictures flow', () => viewer.packets > 100);
    await site.owner.client.call('live.close', { session: viewer.answer.session });
    viewer.close();
    const candidates = [...viewer.answer.sdp.matchAll(/^a=candidate:\S+ \d \S+ \d+ (\S+) \d+ typ (\S+)/gm)];
    return { packets: viewer.packets, candidates: candidates.map(([, address, kind]) => `${kind} ${address}`) };
  } finally {
    await site.close();
  }
}

makeDevice();
const before = sent();
const seen = await live();
const during = sent() - before;
await sendOne();
process.stdout.write(`${JSON.stringify({ ...seen, during, control: sent() - before - during })}\n`);
