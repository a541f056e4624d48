import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Cameras, CameraView } from '../../../../agent/cameras/ports.js';
import { configHandlers } from '../../../../agent/cloud/handlers/config.js';
import { logHandlers } from '../../../../agent/cloud/handlers/log.js';
import { permissionHandlers } from '../../../../agent/cloud/handlers/permissions.js';
import { siteHandlers } from '../../../../agent/cloud/handlers/site.js';
import { staleBase } from '../../../../agent/config/failures.js';
import type { ConfigService } from '../../../../agent/config/service.js';
import type { Configuration } from '../../../../agent/contract/configuration.js';
import { signStatement } from '../../../../agent/contract/jws.js';
import type { Grant } from '../../../../agent/contract/statements.js';
import { newId } from '../../../../agent/contract/text.js';
import type { PermissionsInfo, SiteInfo } from '../../../../agent/contract/views.js';
import type { ListQuery, OperationLog } from '../../../../agent/operation-log/ports.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';
import { MINUTE, openDesk, SERIAL } from './desk-rig.js';

const it = suite('handlers');

const view = (id: string): CameraView => ({
  ...{ id, name: `Door ${id}`, manufacturer: 'Example', model: 'M1', firmware: '1', serial: `S-${id}`, host: '192.0.2.1' },
  ...{ state: 'online', reason: undefined, streams: [], ptz: undefined, lastSeenAt: undefined, hasLogin: false, alarms: [] },
});

it('an employee sees the cameras of the grant with their serials', async () => {
  const cameras = { list: () => ['cam-1', 'cam-2'].map(view) } as unknown as Cameras;
  const desk = await openDesk((own) =>
    siteHandlers({
      ...{ cameras, watching: () => [], plate: { serial: SERIAL, model: 'R8' }, recorderName: () => 'Shop' },
      ...{ version: '1.0.0', startedAt: 0, clock: own.clock },
    }),
  );
  const dana = await newSigningKey();
  const { id: grant } = await desk.give({ scopes: ['site-information'], cams: ['cam-2'] });
  const site = (await desk.ask('site.get', {}, dana, { grant })).body as SiteInfo;
  assert.equal(
    site.cameras.map(({ id, serial }) => [id, serial]),
    [['cam-2', 'S-cam-2']],
  );
});

it('a stale base is refused with what the asker may see of the settings of now, by plan and by apply', async () => {
  const stream = { width: 640, height: 360, frameRate: 10 };
  const camera = { name: 'Door', main: stream, sub: null, hasLogin: true };
  const current: Configuration = { version: 'V'.repeat(43), recorderName: 'Shop', cameras: { 'cam-1': camera, 'cam-2': camera } };
  const stale = () => Promise.reject(staleBase(current));
  const config = { current: () => current, plan: stale, apply: stale } as unknown as ConfigService;
  const desk = await openDesk((own) => configHandlers(config, { encoderOptions: () => stale() }, own.clock));
  const dana = await newSigningKey();
  const { id: grant } = await desk.give({ scopes: ['remote-configuration'], cams: ['cam-2'] });
  const args = { base: 'B'.repeat(43), patch: { cameras: { 'cam-2': { name: 'Gate' } } } };
  for (const op of ['config.plan', 'config.apply'] as const) {
    const { error } = await desk.ask(op, args, dana, { grant });
    assert.is(error?.code, 'config.stale_base');
    assert.equal(error?.detail?.current, { ...current, cameras: { 'cam-2': camera } });
  }
  assert.equal((await desk.ask('config.plan', args, desk.owner)).error?.detail?.current, current);
});

it('the log is asked for one kind of action, or one area, or all', async () => {
  const asked: ListQuery[] = [];
  const operationLog = {
    list: async (query: ListQuery) => {
      asked.push(query);
      return [];
    },
    latestCheckpoint: async () => null,
  } as unknown as OperationLog;
  const position = async () => ({ size: 9, head: '0'.repeat(64) });
  const desk = await openDesk(logHandlers({ operationLog, position, organisations: async () => ({}) }));
  const base = { beforeSeq: null, limit: 5 };
  for (const args of [
    { ...base, action: 'security.' },
    { ...base, action: 'live.watch' },
    base,
    { ...base, beforeSeq: 8, action: 'owner.' },
  ])
    assert.is((await desk.ask('log.list', args, desk.owner)).error, null);
  assert.equal(
    asked.map(({ action, toSeq }) => [action, toSeq]),
    [
      ['security.', undefined],
      ['live.watch', undefined],
      [undefined, undefined],
      ['owner.', 7],
    ],
  );
  assert.is((await desk.ask('log.list', { ...base, action: "x' or 1" }, desk.owner)).error?.code, 'message.invalid');
});

it('the list tells a device which of the owner’s it is; a grant stands in the log with its hours', async () => {
  const desk = await openDesk((own) => permissionHandlers(own.permissions));
  const { clock, permissions, device, org, owner } = desk;
  const hours = { zone: 'Europe/Berlin', days: [1, 2], from: '08:00', to: '17:00' };
  const grant: Grant = {
    ...{ v: 1, id: newId(), dev: SERIAL, device: device.signer.kid, epoch: permissions.epoch, scopes: ['health'], cams: ['cam-1'], hours },
    ...{ org: { name: 'Example Security', key: org.publicKey }, iat: clock.now(), exp: clock.now() + MINUTE },
  };
  const args = { grant: await signStatement('grant+jws', grant, owner.signer), application: null };
  assert.equal((await desk.ask('permissions.grant', args, owner)).body, { id: grant.id });
  const after = { organisation: 'Example Security', scopes: ['health'], cameras: ['cam-1'], hours, until: grant.exp };
  assert.equal(desk.rows.at(-1)?.after, after);
  const info = (await desk.ask('permissions.list', {}, owner)).body as PermissionsInfo;
  assert.equal(
    info.devices.map(({ name, isThis }) => [name, isThis]),
    [['Phone', true]],
  );
});

it.run();
