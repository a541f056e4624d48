import * as z from 'zod/mini';
import { type CameraUserLevel, type CameraUsers, DriverError, type Login } from '../port.js';
import type { LinkCall, OnvifLink } from './link.js';
import { many, read, text } from './shapes.js';
import { escapeXml } from './xml.js';

const Users = z.object({ User: many(z.object({ Username: text, UserLevel: text })) });
const LEVELS: Readonly<Record<CameraUserLevel, string>> = {
  administrator: 'Administrator',
  operator: 'Operator',
  user: 'User',
  anonymous: 'Anonymous',
};
const LEVEL_NAMES = Object.keys(LEVELS) as CameraUserLevel[];

async function askUsers({ ask }: LinkCall): Promise<readonly { readonly name: string; readonly said: string }[]> {
  const { User } = read(Users, await ask('device', 'GetUsers', '<tds:GetUsers/>'), 'users');
  return User.filter((user) => user.Username !== '').map((user) => ({ name: user.Username, said: user.UserLevel }));
}

/** A level of the maker's own counts as that of a plain user: nothing is promised that the camera may not keep. */
const levelOf = (said: string): CameraUserLevel => LEVEL_NAMES.find((name) => name === said.toLowerCase()) ?? 'user';

const userElement = (login: Login, level: string): string =>
  `<tds:User><tt:Username>${escapeXml(login.user)}</tt:Username><tt:Password>${escapeXml(login.password.reveal())}</tt:Password>` +
  `<tt:UserLevel>${escapeXml(level)}</tt:UserLevel></tds:User>`;

/**
 * Users of the camera. Whoever changes the password of the login that this connection uses connects anew with the new one.
 * Passwords go over the wire as they are: over https, or a network one trusts.
 */
export function openUsers(link: OnvifLink): CameraUsers {
  return {
    list: (options) => link.run(options, async (call) => (await askUsers(call)).map(({ name, said }) => ({ name, level: levelOf(said) }))),
    create: (login, level, options) =>
      link.run(options, async ({ ask }) => {
        const body = `<tds:CreateUsers>${userElement(login, LEVELS[level])}</tds:CreateUsers>`;
        await ask('device', 'CreateUsers', body, { isRepeatable: false });
      }),
    setPassword: (login, options) =>
      link.run(options, async (call) => {
        const known = (await askUsers(call)).find(({ name }) => name === login.user);
        if (known === undefined) throw new DriverError('camera.refused', 'the camera has no such user', { detail: { user: login.user } });
        await call.ask('device', 'SetUser', `<tds:SetUser>${userElement(login, known.said || LEVELS.user)}</tds:SetUser>`);
      }),
    remove: (name, options) =>
      link.run(options, async ({ ask }) => {
        const body = `<tds:DeleteUsers><tds:Username>${escapeXml(name)}</tds:Username></tds:DeleteUsers>`;
        await ask('device', 'DeleteUsers', body, { isRepeatable: false });
      }),
  };
}
