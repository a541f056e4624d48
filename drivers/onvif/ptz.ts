import * as z from 'zod/mini';
import { type CallOptions, DriverError, type PtzDriver, type PtzVelocity } from '../port.js';
import type { Ask } from './services.js';
import { many, read } from './shapes.js';
import { escapeXml } from './xml.js';

const Node = z.object({
  PTZNode: z.object({
    SupportedPTZSpaces: z.object({
      ContinuousPanTiltVelocitySpace: many(z.unknown()),
      ContinuousZoomVelocitySpace: many(z.unknown()),
    }),
  }),
});

/** Which axes a PTZ node can move continuously. */
export interface PtzAxes {
  readonly hasPanTilt: boolean;
  readonly hasZoom: boolean;
}

/** GetNode. A camera that has PTZ but cannot describe it is taken to have all axes. */
export async function askAxes(ask: Ask, nodeToken: string): Promise<PtzAxes> {
  try {
    const body = `<tptz:GetNode><tptz:NodeToken>${escapeXml(nodeToken)}</tptz:NodeToken></tptz:GetNode>`;
    const spaces = read(Node, await ask('ptz', 'GetNode', body), 'PTZ node').PTZNode.SupportedPTZSpaces;
    return { hasPanTilt: spaces.ContinuousPanTiltVelocitySpace.length > 0, hasZoom: spaces.ContinuousZoomVelocitySpace.length > 0 };
  } catch (error) {
    const isMissing = error instanceof DriverError && ['camera.unsupported', 'camera.refused', 'camera.bad_answer'].includes(error.code);
    if (!isMissing) throw error;
    return { hasPanTilt: true, hasZoom: true };
  }
}

const speed = (value: number): string => String(Math.round(Math.max(-1, Math.min(1, Number.isFinite(value) ? value : 0)) * 1000) / 1000);

/**
 * ContinuousMove. An axis the node lacks is left out: pan-only cameras refuse the whole request otherwise. `withTimeout` asks the
 * camera to stop by itself after a second, should we vanish.
 */
export function moveRequest(profileToken: string, axes: PtzAxes, velocity: PtzVelocity, withTimeout: boolean): string {
  const panTilt = axes.hasPanTilt ? `<tt:PanTilt x="${speed(velocity.pan)}" y="${speed(velocity.tilt)}"/>` : '';
  const zoom = axes.hasZoom ? `<tt:Zoom x="${speed(velocity.zoom)}"/>` : '';
  const timeout = withTimeout ? '<tptz:Timeout>PT1S</tptz:Timeout>' : '';
  return (
    `<tptz:ContinuousMove><tptz:ProfileToken>${escapeXml(profileToken)}</tptz:ProfileToken>` +
    `<tptz:Velocity>${panTilt}${zoom}</tptz:Velocity>${timeout}</tptz:ContinuousMove>`
  );
}

/** Stop of every axis the node has; some cameras stop only the axis that is named. */
export function stopRequest(profileToken: string, axes: PtzAxes): string {
  return (
    `<tptz:Stop><tptz:ProfileToken>${escapeXml(profileToken)}</tptz:ProfileToken>` +
    `<tptz:PanTilt>${axes.hasPanTilt}</tptz:PanTilt><tptz:Zoom>${axes.hasZoom}</tptz:Zoom></tptz:Stop>`
  );
}

/** `run` gives each movement its own deadline. */
export function createPtz(
  run: <T>(options: CallOptions, work: (ask: Ask) => Promise<T>) => Promise<T>,
  profileToken: string,
  axes: PtzAxes,
): PtzDriver {
  let mayLimit = true;
  const move = async (ask: Ask, velocity: PtzVelocity): Promise<void> => {
    try {
      await ask('ptz', 'ContinuousMove', moveRequest(profileToken, axes, velocity, mayLimit));
    } catch (error) {
      // Some cameras take no Timeout, or not this one; the agent's own guard stops the movement then.
      if (!mayLimit || !(error instanceof DriverError) || error.code !== 'camera.refused') throw error;
      await ask('ptz', 'ContinuousMove', moveRequest(profileToken, axes, velocity, false));
      mayLimit = false;
    }
  };
  return {
    async move(velocity, options) {
      const isPossible = (axes.hasPanTilt && (velocity.pan !== 0 || velocity.tilt !== 0)) || (axes.hasZoom && velocity.zoom !== 0);
      if (!isPossible) throw new DriverError('camera.unsupported', 'this camera does not move that way', { detail: { ...axes } });
      await run(options, (ask) => move(ask, velocity));
    },
    async stop(options) {
      await run(options, async (ask) => {
        await ask('ptz', 'Stop', stopRequest(profileToken, axes));
      });
    },
  };
}
