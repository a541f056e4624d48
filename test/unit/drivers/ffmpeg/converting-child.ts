/** An agent as far as conversions go: begins one, says so, and waits to be killed. */
import { systemClock } from '../../../../agent/kernel/clock.js';
import { createConvertingStreams } from '../../../../drivers/ffmpeg/converting-streams.js';
import { h265Streams } from '../../../peers/h265-clip.js';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };
let isTold = false;
await createConvertingStreams({ clock: systemClock, log: quiet }, h265Streams()).open({
  uri: 'rtsp://127.0.0.1/main',
  allowedHost: '127.0.0.1',
  login: undefined,
  codec: 'H264',
  signal: new AbortController().signal,
  onRtp: () => {
    if (!isTold) process.stdout.write('converting\n');
    isTold = true;
  },
  onEnd: () => process.exit(1),
});
