/** Sound over RTSP: a connection of its own in which nothing but the sound is set up. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../agent/kernel/clock.js';
import type { DriverError } from '../../drivers/port.js';
import { createStreamClient } from '../../drivers/rtsp/client.js';
import { parseSdp } from '../../drivers/rtsp/sdp.js';
import { chooseAudio } from '../../drivers/rtsp/sdp-audio.js';
import { until } from '../support/until.js';
import { rtp, SDP, startRtspFake } from './rtsp-fake.js';

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };

test('G.711 is found by its number or its name; anything else is named in the refusal', () => {
  const audio = (...lines: readonly string[]) => chooseAudio(parseSdp(['v=0', ...lines, 'a=control:track0'].join('\r\n')));
  assert.equal(audio('m=audio 0 RTP/AVP 8').track, { codec: 'PCMA', payloadType: 8, clockRate: 8_000 });
  assert.equal(audio('m=audio 0 RTP/AVP 97', 'a=rtpmap:97 pcmu/8000/1').track, { codec: 'PCMU', payloadType: 97, clockRate: 8_000 });
  const refused = (...lines: readonly string[]): string => {
    try {
      audio(...lines);
    } catch (error) {
      assert.is((error as DriverError).code, 'stream.unsupported');
      return (error as DriverError).message;
    }
    return assert.unreachable('it was taken') as never;
  };
  assert.match(refused('m=audio 0 RTP/AVP 97', 'a=rtpmap:97 MPEG4-GENERIC/16000/1'), 'MPEG4-GENERIC');
  assert.match(refused('m=audio 0 RTP/AVP 97', 'a=rtpmap:97 PCMU/16000'), 'PCMU');
  assert.match(refused('m=video 0 RTP/AVP 96'), 'no audio');
});

test('only the sound is set up, played, and let go of', async () => {
  const fake = await startRtspFake();
  const packets: number[] = [];
  const client = createStreamClient({ clock: systemClock, log });
  const pull = await client.openAudio?.({
    uri: `rtsp://127.0.0.1:${fake.port}/main`,
    allowedHost: '127.0.0.1',
    login: undefined,
    signal: new AbortController().signal,
    onRtp: (buffer, start) => packets.push(buffer.readUInt16BE(start + 2)),
    onEnd: () => undefined,
  });
  assert.equal(pull?.track, { codec: 'PCMU', payloadType: 0, clockRate: 8_000 });
  const setUp = fake.requests.filter((request) => request.method === 'SETUP').map((request) => request.uri);
  assert.is(setUp.length, 1);
  assert.match(setUp[0] ?? '', /track0$/);
  assert.match(SDP, 'm=video');
  for (let number = 0; number < 5; number += 1) fake.send(rtp(0, number, 160, 7, 0));
  await until('the sound comes', () => packets.length === 5);
  await pull?.close();
  assert.ok(fake.requests.some((request) => request.method === 'TEARDOWN'));
  await fake.close();
});

test.run();
