/**
 * The test camera as its own process. Prints one JSON line when it listens; ends on SIGINT, SIGTERM, and when its parent goes away
 * (end of a piped stdin, or the IPC channel closes). The password comes from SIGHTLINE_CAMERA_PASSWORD.
 */
import { fstatSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startOnvifCamera } from './onvif-camera.js';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    'rtsp-port': { type: 'string', default: '0' },
    user: { type: 'string', default: 'admin' },
    name: { type: 'string', default: 'Front door' },
    serial: { type: 'string', default: 'TC720-0001' },
    'no-discovery': { type: 'boolean', default: false },
  },
});

try {
  const camera = await startOnvifCamera({
    host: values.host,
    port: Number(values.port),
    rtspPort: Number(values['rtsp-port']),
    user: values.user,
    password: process.env.SIGHTLINE_CAMERA_PASSWORD ?? 'camera',
    name: values.name,
    serial: values.serial,
    discovery: !values['no-discovery'],
  });
  // A pipe ends when the parent does; /dev/null is at its end from the start and says nothing.
  const stdin = fstatSync(0);
  const isPiped = stdin.isFIFO() || stdin.isSocket();
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    if (isPiped) process.stdin.destroy();
    if (process.connected) process.disconnect();
    camera.stop().catch(() => {
      process.exitCode = 1;
    });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  process.on('disconnect', stop);
  if (isPiped) process.stdin.on('end', stop).on('error', stop).resume();
  process.stdout.on('error', stop);
  process.stdout.write(
    `${JSON.stringify({ ready: true, deviceUri: camera.deviceUri, httpPort: camera.httpPort, rtspPort: camera.rtspPort })}\n`,
  );
} catch (error) {
  process.stderr.write(`test camera: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
