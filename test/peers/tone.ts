import type { StreamClient } from '../../drivers/port.js';

const PACKET_MS = 20;
const SAMPLES = 160;
/** A-law of a loud and of a quiet sample (ITU-T G.711 table 1): between them a square wave of 200 Hz. */
const [LOUD, SOFT] = [0xaa, 0x2a];

/** The sound of a camera: a hum in PCMA. */
export const openTone: NonNullable<StreamClient['openAudio']> = async (request) => {
  let sequence = 0;
  const timer = setInterval(() => {
    const packet = Buffer.alloc(12 + SAMPLES);
    packet[0] = 0x80;
    packet[1] = 8;
    packet.writeUInt16BE(sequence & 0xffff, 2);
    packet.writeUInt32BE((sequence * SAMPLES) >>> 0, 4);
    for (let sample = 0; sample < SAMPLES; sample += 1) packet[12 + sample] = sample % 40 < 20 ? LOUD : SOFT;
    sequence += 1;
    request.onRtp(packet, 0, packet.length);
  }, PACKET_MS);
  return { track: { codec: 'PCMA', payloadType: 8, clockRate: 8_000 }, close: async () => clearInterval(timer) };
};
