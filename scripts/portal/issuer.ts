import { createServer } from 'node:https';
import { issueServerIdentity, openAuthority } from './authority.js';
import { portTaken } from './broker.js';
import type { DeviceRegister } from './device-register.js';
import { createEnroller } from './enrol.js';

/** Where certificates are issued, and what is remembered. */
export interface IssuerOptions {
  /** 0 takes any free one. */
  readonly port: number;
  readonly host: string;
  /** Folder of the authority; made when it is missing. */
  readonly folder: string;
  /** The relay's: the first key of a serial is pinned at both. */
  readonly register: DeviceRegister;
  readonly onTrouble?: (error: unknown) => void;
}

/** An issuer that listens: `cloud.enrol` and `cloud.caFile` of a recorder's site file. */
export interface IssuerServer {
  readonly url: string;
  readonly caFile: string;
  stop(): Promise<void>;
}

/** The authority of the reference cloud, over https with a certificate of its own. @throws AgentError portal.port_taken | portal.port_refused */
export async function startIssuer(options: IssuerOptions): Promise<IssuerServer> {
  const { host, folder, register, onTrouble } = options;
  const authority = await openAuthority(folder);
  const own = await issueServerIdentity(authority, { names: ['localhost'], ips: [host] });
  const trouble = onTrouble === undefined ? {} : { onTrouble };
  const enroller = createEnroller({ caKey: authority.key, caCert: authority.certificate, knownDevices: register, ...trouble });
  const server = createServer({ key: own.key, cert: own.certificate, requestTimeout: 15_000 }, (request, response) => {
    if (request.url === '/enrol') enroller(request, response);
    else response.writeHead(404).end();
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(portTaken(cause, options.port)));
    server.listen(options.port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : options.port);
    });
  });
  return {
    url: `https://${host}:${port}/enrol`,
    caFile: authority.file,
    stop: async () => {
      const isClosed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await isClosed;
    },
  };
}
