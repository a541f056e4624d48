import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startGstCamera } from './gst-camera.js';
import { startOnvifCamera } from './onvif-camera/onvif-camera.js';
import { callSoap } from './onvif-camera-client.js';

async function probe(uri: string, login: string): Promise<{ code: number; text: string }> {
  const source = uri.replace('rtsp://', `rtsp://${login}@`);
  const child = spawn('ffprobe', [
    '-v',
    'error',
    '-rtsp_transport',
    'tcp',
    '-show_entries',
    'stream=codec_name,width',
    '-of',
    'csv=p=0',
    source,
  ]);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (text += piece.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, text };
}

test('GStreamer streams H.264 to the right password, and the ONVIF camera hands out its address', async () => {
  const gst = await startGstCamera({ user: 'admin', password: 'camera' });
  const camera = await startOnvifCamera({ discovery: false, externalRtsp: (kind) => gst.rtspUri(kind) });
  try {
    const right = await probe(gst.rtspUri('sub'), 'admin:camera');
    assert.equal([right.code, right.text.trim()], [0, 'h264,640']);
    const wrong = await probe(gst.rtspUri('sub'), 'admin:wrong');
    assert.ok(wrong.code !== 0 && /401/.test(wrong.text), wrong.text);
    const setup =
      '<StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport></StreamSetup>';
    const { text } = await callSoap(
      camera.deviceUri,
      'media',
      `<GetStreamUri>${setup}<ProfileToken>profile_main</ProfileToken></GetStreamUri>`,
    );
    assert.ok(text.includes(`<tt:Uri>${gst.rtspUri('main')}</tt:Uri>`));
  } finally {
    await camera.stop();
    await gst.stop();
  }
});

test.run();
