// runner: limit 60s
/** The bundle that goes to recorders: it finds its packages, connects, pairs, sees a camera and streams. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from '../../scripts/root.js';
import { watchInNode } from '../support/node-viewer.js';
import { openSite } from '../support/site.js';

test('the bundle does what the sources do', async () => {
  const { bundleAgent } = (await import(join(ROOT, 'scripts', 'esbuild-agent.mjs'))) as {
    bundleAgent(entry?: string, outdir?: string): Promise<{ files: string[] }>;
  };
  const folder = join(ROOT, '.build', `bundle-${process.pid}`);
  const { files } = await bundleAgent(undefined, folder);
  // Opening the site pairs with the bundle, which computes in this thread or not at all.
  assert.ok(files.includes('pairing-worker.mjs'), 'the pairing thread is an entry of its own');
  const site = await openSite({ agent: { entry: join(folder, 'agent.mjs'), args: [] } });
  try {
    await site.online();
    const health = await site.owner.client.call('health.get', { sinceMs: 60_000 });
    assert.ok((health.machine?.cores ?? 0) > 0);
    const viewer = await watchInNode(site.owner.client);
    await viewer.firstPacket();
    viewer.close();
  } finally {
    await site.close();
    await rm(folder, { recursive: true, force: true });
  }
});

test.run();
