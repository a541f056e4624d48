/** The far ends of a site's serial gear: cables that can be pulled, a supply, and a camera that is moved over the network. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { openSync, writeSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ReadStream } from 'node:tty';
import { decodeViscaIp, encodeViscaIp } from '../../drivers/serial/visca-ip.js';

/** A cable between the recorder and a piece of gear: two pseudo terminals. Plugged in anew it has the same names, as by-id links have. */
export class Cable {
  /** The recorder's end. */
  readonly path: string;
  /** What the recorder sent, as Latin-1. */
  heard = '';
  /** Told of each piece that comes. */
  onHeard: (text: string) => void = () => undefined;
  #socat: ChildProcess | undefined;
  #input: ReadStream | undefined;
  #fd = -1;

  constructor(folder: string, name: string) {
    this.path = join(folder, name);
  }

  /** Resolves when both ends are there. */
  async plug(): Promise<this> {
    const far = `${this.path}-far`;
    const end = (link: string): string => `pty,raw,echo=0,link=${link}`;
    const socat = spawn('socat', ['-d', '-d', end(this.path), end(far)], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    for await (const chunk of socat.stderr) {
      said += String(chunk);
      if (said.includes('starting data transfer loop')) break;
    }
    socat.stderr.resume();
    this.#socat = socat;
    this.#fd = openSync(far, 'r+');
    this.#input = new ReadStream(this.#fd);
    // A cable that is pulled is no news here.
    this.#input.on('error', () => undefined);
    this.#input.on('data', (bytes: Buffer) => {
      const text = bytes.toString('latin1');
      this.heard += text;
      this.onHeard(text);
    });
    return this;
  }

  /** What the gear says. */
  say(text: string): void {
    writeSync(this.#fd, Buffer.from(text, 'latin1'));
  }

  /** Pulls it out. */
  async pull(): Promise<void> {
    const [socat, input] = [this.#socat, this.#input];
    this.#socat = undefined;
    if (socat === undefined || input === undefined) return;
    const gone = once(socat, 'exit');
    socat.kill('SIGKILL');
    await gone;
    // A hang-up may have closed it by itself.
    const closed = input.closed ? undefined : once(input, 'close');
    input.destroy();
    await closed;
  }
}

/** A supply that speaks Megatec Q1: answers each question with `volts` and `flags` (eight bits, on battery first, battery low second). */
export function supply(cable: Cable): { volts: string; flags: string } {
  const state = { volts: '230.0', flags: '00001000' };
  cable.onHeard = (text) => {
    const battery = state.flags.startsWith('1') ? '11.4' : '13.6';
    if (text.includes('Q1\r')) cable.say(`(${state.volts} 000.0 230.0 021 50.0 ${battery} 25.0 ${state.flags}\r`);
  };
  return state;
}

/** A camera on the network that takes every command and tells where it looks: 10 degrees right, 5 down at 14.4 steps a degree. */
export async function networkCamera(): Promise<{ readonly port: number; readonly heard: string[]; readonly socket: Socket }> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const heard: string[] = [];
  socket.on('message', (bytes, from) => {
    const packet = decodeViscaIp(bytes);
    if (packet === undefined) return;
    const say = (hex: string, type: 'reply' | 'control-reply' = 'reply'): void =>
      socket.send(encodeViscaIp({ type, sequence: packet.sequence, payload: Buffer.from(hex, 'hex') }), from.port, from.address);
    const hex = Buffer.from(packet.payload).toString('hex');
    if (packet.type === 'control') return say('01', 'control-reply');
    heard.push(hex);
    if (hex === '81090612ff') return say('905000000900' + '0f0f0b08ff');
    if (packet.type === 'inquiry') return say('905000000000ff');
    say('9041ff');
    say('9051ff');
  });
  return { port: (socket.address() as AddressInfo).port, heard, socket };
}

/** A sentence of a receiver, with its sum. */
export function sentence(text: string): string {
  const sum = [...text].reduce((all, one) => all ^ one.charCodeAt(0), 0);
  return `$${text}*${sum.toString(16).padStart(2, '0').toUpperCase()}\r\n`;
}

/** Two sentences that tell this time, and a place in Munich. */
export function fixAt(at: number): string {
  const iso = new Date(at).toISOString();
  const time = iso.slice(11, 23).replaceAll(':', '');
  const date = `${iso.slice(8, 10)}${iso.slice(5, 7)}${iso.slice(2, 4)}`;
  const place = '4807.038,N,01131.000,E';
  return sentence(`GPGGA,${time},${place},1,08,0.9,545.4,M,46.9,M,,`) + sentence(`GPRMC,${time},A,${place},0.0,0.0,${date},,,A`);
}
