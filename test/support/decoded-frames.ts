import { spawn } from 'node:child_process';

/** Header length of an RTP packet (RFC 3550, section 5.1), extension and sources included. */
function headerBytes(packet: Buffer): number {
  const fixed = 12 + ((packet[0] ?? 0) & 15) * 4;
  const hasExtension = ((packet[0] ?? 0) & 16) !== 0;
  return hasExtension && packet.length >= fixed + 4 ? fixed + 4 + packet.readUInt16BE(fixed + 2) * 4 : fixed;
}

const START = Buffer.from([0, 0, 0, 1]);

/** H.264 as it was before it was cut into RTP packets (RFC 6184: single units, STAP-A, FU-A), whatever the packets claim to be. */
export function asAnnexB(packets: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [];
  for (const packet of packets) {
    const payload = packet.subarray(headerBytes(packet));
    const [first = 0, second = 0] = payload;
    const type = first & 31;
    if (type === 28) {
      if ((second & 128) !== 0) parts.push(START, Buffer.from([(first & 0xe0) | (second & 31)]));
      parts.push(payload.subarray(2));
    } else if (type === 24) {
      for (let at = 1; at + 2 < payload.length; ) {
        const length = payload.readUInt16BE(at);
        parts.push(START, payload.subarray(at + 2, at + 2 + length));
        at += 2 + length;
      }
    } else parts.push(START, payload);
  }
  return Buffer.concat(parts);
}

/** The pictures that ffmpeg makes of these bytes when it is told that they are H.264: a checksum of each, in order. */
export function decodedFrames(bytes: Buffer): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const words = ['-v', 'quiet', '-err_detect', 'explode', '-f', 'h264', '-i', 'pipe:0', '-map', '0:v', '-f', 'framehash', 'pipe:1'];
    const child = spawn('ffmpeg', words, { stdio: ['pipe', 'pipe', 'ignore'] });
    let text = '';
    child.stdout.setEncoding('latin1').on('data', (piece: string) => {
      text += piece;
    });
    // It may have seen enough before it has read everything.
    child.stdin.on('error', () => undefined);
    child.once('error', reject);
    child.once('close', () =>
      resolve(text.split('\n').flatMap((line) => (/^\d/.test(line) ? [line.slice(line.lastIndexOf(',') + 1).trim()] : []))),
    );
    child.stdin.end(bytes);
  });
}
