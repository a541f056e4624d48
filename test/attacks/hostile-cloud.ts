/** The cloud as the attacker: it has read everything that ever passed, and publishes all of it again, with whatever it can make up. */
import { signStatement } from '../../agent/contract/jws.js';
import { seal } from '../../agent/contract/seal.js';
import { newId, utf8 } from '../../agent/contract/text.js';
import { topics } from '../../agent/contract/topics.js';
import { newSigningKey } from '../../scripts/portal/client/keys.js';
import type { RecorderClient } from '../../scripts/portal/client/recorder-client.js';
import { MqttTransport } from '../support/mqtt-transport.js';
import { TENANT } from '../support/people.js';
import { makeCommand } from '../support/raw-letters.js';
import { asOrganisation, newCompany, Person } from './attack-rig.js';

interface Heard {
  readonly topic: string;
  readonly payload: string;
}

/** A client of a broker without access list: reads and writes every topic. */
export class HostileCloud {
  readonly transport: MqttTransport;
  readonly heard: Heard[] = [];
  readonly #serial: string;

  private constructor(transport: MqttTransport, serial: string) {
    this.transport = transport;
    this.#serial = serial;
  }

  static async open(url: string, serial: string): Promise<HostileCloud> {
    const transport = new MqttTransport(url);
    await transport.whenOnline();
    const cloud = new HostileCloud(transport, serial);
    transport.onMessage((topic, payload) => void cloud.heard.push({ topic, payload: Buffer.from(payload).toString('latin1') }));
    await transport.subscribe('#');
    return cloud;
  }

  /** Commands, pairing messages and withdrawals that were on their way to the recorder. */
  get captured(): readonly Heard[] {
    return this.heard.filter(({ topic }) => topic.includes('/down/'));
  }

  /** Everything that was captured up to now, again, where it was; how many. */
  async replay(captured = [...this.captured]): Promise<number> {
    for (const { topic, payload } of captured) await this.transport.publish(topic, payload);
    return captured.length;
  }

  /** Noise on every topic that the recorder listens to and on some that it does not. */
  async garbage(): Promise<void> {
    const scope = { tenant: TENANT, serial: this.#serial };
    const places = [
      topics.command(scope, newId()),
      topics.pairDown(scope, newId()),
      topics.withdraw(scope, 'b'.repeat(22)),
      topics.cancel(scope, newId()),
      topics.command(scope, newId()).replace('/cmd/', '/live/'),
      topics.command(scope, newId()).replace('/cmd/', '/stream/'),
    ];
    const noises = [
      '',
      '{}',
      '[]',
      'null',
      '{"op":"live.open"}',
      'a.b.c',
      'x'.repeat(2_000),
      '\u0000\u0001',
      JSON.stringify({ t: 'pair.fin' }),
    ];
    for (const place of places) for (const noise of noises) await this.transport.publish(place, noise);
  }

  /** Commands to open a picture, sealed as they should be, by keys and companies that nobody knows, and by one that says it is the owner. */
  async foreignCommands(client: RecorderClient, ownerKid: string): Promise<void> {
    const fp = `sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`;
    const args = { cam: 'cam-1', stream: 'main', maxS: 600, sdp: `v=0\r\na=fingerprint:${fp}\r\n`.repeat(4), fp };
    const stranger = await newSigningKey();
    const company = await newCompany();
    const person = await Person.of(company, newId());
    const [own, claimed] = [stranger.signer, { ...stranger.signer, kid: ownerKid }];
    for (const signer of [own, claimed, person.signer]) {
      const { grant, badge } = signer === person.signer ? await person.credentials('live.open') : { grant: null, badge: null };
      const command = await makeCommand({ transport: this.transport, client, signer }, { op: 'live.open', args, grant, badge });
      const letter = await seal(await signStatement('cmd+jws', command, signer), client.status?.seal ?? company.key.publicKey);
      await this.transport.publish(topics.command({ tenant: TENANT, serial: this.#serial }, command.id), letter);
    }
    // A permission that the company gives itself, on the topics that stay.
    const grant = await signStatement('grant+jws', { v: 1, org: asOrganisation(company), scopes: ['live-view'] }, own);
    await this.transport.publish(topics.withdraw({ tenant: TENANT, serial: this.#serial }, 'b'.repeat(22)), grant);
  }

  /** All of it. */
  async everything(client: RecorderClient, ownerKid: string, captured?: readonly Heard[]): Promise<void> {
    await this.garbage();
    await this.foreignCommands(client, ownerKid);
    await this.replay(captured === undefined ? undefined : [...captured]);
  }

  /** Whether any text passed the cloud in clear. */
  hasRead(text: string): boolean {
    const wanted = Buffer.from(utf8(text)).toString('latin1');
    return this.heard.some(({ payload }) => payload.includes(wanted));
  }

  close(): Promise<void> {
    return this.transport.close();
  }
}
