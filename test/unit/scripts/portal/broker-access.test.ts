import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PacketMeter } from '../../../../agent/cloud/packet-meter.js';
import { makeAccessRules } from '../../../../scripts/portal/broker-access.js';

const rules = makeAccessRules('local', (serial) => serial === 'SNAAAAAAAA');
const device = { kind: 'device', serial: 'SNAAAAAAAA' } as const;
const app = { kind: 'app' } as const;
const ID = 'a'.repeat(22);
const root = 'sl/1/local/SNAAAAAAAA';

test('a device has its own letter box and no other', () => {
  assert.ok(rules.mayPublish(device, { topic: `${root}/up/status`, isRetained: true, isEmpty: false }));
  assert.ok(rules.mayPublish(device, { topic: `${root}/up/reply/${ID}`, isRetained: false, isEmpty: false }));
  assert.not(rules.mayPublish(device, { topic: `${root}/up/reply/${ID}`, isRetained: true, isEmpty: false }));
  assert.not(rules.mayPublish(device, { topic: `${root}/down/cmd/${ID}`, isRetained: false, isEmpty: false }));
  assert.not(rules.mayPublish(device, { topic: `${root}B/up/status`, isRetained: false, isEmpty: false }));
  assert.ok(rules.maySubscribe(device, `${root}/down/#`));
  for (const filter of [`${root}/#`, `${root}/up/#`, 'sl/1/local/+/down/#', 'sl/1/local/SNBBBBBBBB/down/#', '#']) {
    assert.not(rules.maySubscribe(device, filter), filter);
  }
});

test('an app may knock at a named recorder and hear its answers', () => {
  for (const kind of ['cmd', 'pair']) {
    assert.ok(rules.mayPublish(app, { topic: `${root}/down/${kind}/${ID}`, isRetained: false, isEmpty: false }));
    assert.not(rules.mayPublish(app, { topic: `${root}/down/${kind}/${ID}`, isRetained: true, isEmpty: false }));
  }
  assert.ok(rules.mayPublish(app, { topic: `${root}/down/withdraw/${ID}`, isRetained: true, isEmpty: false }));
  assert.not(rules.mayPublish(app, { topic: `sl/1/local/SNUNSEEN/down/withdraw/${ID}`, isRetained: true, isEmpty: false }));
  assert.not(rules.mayPublish(app, { topic: `sl/1/other/SNAAAAAAAA/down/withdraw/${ID}`, isRetained: false, isEmpty: false }));
  for (const filter of ['up/status', 'up/checkpoint', 'up/reply/+', `up/reply/${ID}`, 'up/pair/+', `up/pair/${ID}`]) {
    assert.ok(rules.maySubscribe(app, `${root}/${filter}`), filter);
  }
  for (const filter of ['sl/1/local/+/up/status', `${root}/up/+`, `${root}/up/#`, `${root}/down/cmd/+`, `${root}/up/health`]) {
    assert.not(rules.maySubscribe(app, filter), filter);
  }
});

test('the meter refuses as soon as a length over the limit is announced, in whatever pieces it comes', () => {
  const limit = 1000;
  assert.ok(new PacketMeter(limit).accept(Uint8Array.from([0x30, 0xe8, 0x07])), '1000 is allowed');
  assert.not(new PacketMeter(limit).accept(Uint8Array.from([0x30, 0xe9, 0x07])), '1001 is not');
  assert.not(new PacketMeter(limit).accept(Uint8Array.from([0x30, 255, 255, 255, 255])), 'five bytes of length are no length');
  const slow = new PacketMeter(limit);
  assert.ok(slow.accept(Uint8Array.from([0x30])) && slow.accept(Uint8Array.from([2, 1])) && slow.accept(Uint8Array.from([1, 0xc0, 0])));
  assert.ok(slow.accept(Uint8Array.from([0x30, 0xe9])));
  assert.not(slow.accept(Uint8Array.from([0x07])));
});

test('an organisation leaves its list of badges called back, and reads the site letter of its own grant', () => {
  assert.ok(rules.mayPublish(app, { topic: `${root}/down/cancel/${ID}`, isRetained: true, isEmpty: false }));
  assert.not(rules.mayPublish(app, { topic: `${root}/down/cancel/+`, isRetained: true, isEmpty: false }));
  assert.ok(rules.mayPublish(device, { topic: `${root}/up/site/${ID}`, isRetained: true, isEmpty: true }), 'a letter is taken back');
  assert.ok(rules.maySubscribe(app, `${root}/up/site/${ID}`) && rules.mayReceive(app, `${root}/up/site/${ID}`));
  assert.not(rules.maySubscribe(app, `${root}/up/site/+`), 'only whoever has the grant knows its name');
});

test('letters wait in boxes that only whoever made them knows: there is none that everybody knows', () => {
  const rules = makeAccessRules('t', () => true);
  const down = 'sl/1/t/SLAAAA0001/down';
  for (const topic of [`${down}/withdraw`, `${down}/cancel`, `${down}/withdraw/+`, `${down}/withdraw/${ID}/x`])
    assert.not(rules.mayPublish({ kind: 'app' }, { topic, isRetained: true, isEmpty: false }), topic);
  for (const isEmpty of [false, true])
    assert.ok(rules.mayPublish({ kind: 'app' }, { topic: `${down}/withdraw/${ID}`, isRetained: true, isEmpty }));
  assert.is(rules.waitsFor(`${down}/withdraw/${ID}`), 'SLAAAA0001');
  assert.is(rules.waitsFor(`${down}/cmd/${ID}`), undefined);
  assert.not(rules.maySubscribe({ kind: 'app' }, `${down}/withdraw/+`), 'nobody can look for them');
});

test.run();
