/** The rest of the Device Management service: time, users, network, reboot, firmware. */
import type { Accounts, ClockState } from './camera-clock.js';
import type { Account } from './http-digest.js';
import type { Operation, Service } from './operation.js';
import type { CameraQuirks } from './quirks.js';
import { invalidArgument, SoapFault } from './soap.js';
import { child, escapeXml, textAt, type XmlElement } from './xml.js';

/** What these operations need of the camera. */
export interface UpkeepState {
  readonly clock: ClockState;
  readonly accounts: Accounts;
  readonly quirks: () => CameraQuirks;
  /** Goes away and comes back, some moments after this call so that the answer can leave. */
  reboot(): void;
  ports(): { readonly http: number; readonly rtsp: number };
}

const LEVELS: readonly Account['level'][] = ['Administrator', 'Operator', 'User'];
const MAX_USERS = 16;
const missing = (what: string): SoapFault => new SoapFault('Sender', ['ter:InvalidArgs'], `${what} is missing or wrong`);
const respond = (name: string, inner = ''): string => `<tds:${name}Response>${inner}</tds:${name}Response>`;

function dateTime(tag: string, at: Date): string {
  const time = `<tt:Hour>${at.getUTCHours()}</tt:Hour><tt:Minute>${at.getUTCMinutes()}</tt:Minute><tt:Second>${at.getUTCSeconds()}</tt:Second>`;
  const date = `<tt:Year>${at.getUTCFullYear()}</tt:Year><tt:Month>${at.getUTCMonth() + 1}</tt:Month><tt:Day>${at.getUTCDate()}</tt:Day>`;
  return `<tt:${tag}><tt:Time>${time}</tt:Time><tt:Date>${date}</tt:Date></tt:${tag}>`;
}

function systemTime({ clock, quirks }: UpkeepState, now: number): string {
  const shown = now + quirks().localTimeAsUtcMin * 60_000;
  const zone = `<tt:TimeZone><tt:TZ>${escapeXml(clock.zone)}</tt:TZ></tt:TimeZone>`;
  const kind = `<tt:DateTimeType>${clock.isNtp ? 'NTP' : 'Manual'}</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>`;
  return respond(
    'GetSystemDateAndTime',
    `<tds:SystemDateAndTime>${kind}${zone}${dateTime('UTCDateTime', new Date(shown))}</tds:SystemDateAndTime>`,
  );
}

/** A tt:DateTime as ms since 1970; undefined when a part is missing or impossible. */
function readDateTime(element: XmlElement): number | undefined {
  const part = (...path: readonly string[]): number => Number(textAt(element, ...path) ?? Number.NaN);
  const parts = [part('Date', 'Year'), part('Date', 'Month') - 1, part('Date', 'Day')] as const;
  const clock = [part('Time', 'Hour'), part('Time', 'Minute'), part('Time', 'Second')] as const;
  const at = Date.UTC(...parts, ...clock);
  return Number.isNaN(at) || parts[1] < 0 || parts[1] > 11 || parts[2] < 1 || parts[2] > 31 || clock[0] > 23 ? undefined : at;
}

function setSystemTime(body: XmlElement, { clock }: UpkeepState): string {
  const kind = textAt(body, 'DateTimeType');
  if (kind !== 'NTP' && kind !== 'Manual') throw missing('DateTimeType');
  if (!/^(true|false|0|1)$/.test(textAt(body, 'DaylightSavings') ?? '')) throw missing('DaylightSavings');
  const zone = textAt(body, 'TimeZone', 'TZ');
  if (zone !== undefined && !/^[A-Za-z<][\w<>+,.:/-]{2,60}$/.test(zone))
    throw invalidArgument('InvalidTimeZone', 'This is no POSIX time zone');
  const utc = child(body, 'UTCDateTime');
  const at = utc === undefined ? undefined : readDateTime(utc);
  if (kind === 'Manual') {
    if (at === undefined) throw invalidArgument('InvalidDateTime', 'UTCDateTime is missing or impossible');
    clock.aheadMs = at - Date.now();
  } else clock.aheadMs = 0;
  clock.isNtp = kind === 'NTP';
  clock.zone = zone ?? clock.zone;
  return respond('SetSystemDateAndTime');
}

function ntp({ clock }: UpkeepState): string {
  const rows = clock.servers.map((server) => {
    const isAddress = /^\d+\.\d+\.\d+\.\d+$/.test(server);
    const name = isAddress ? `<tt:IPv4Address>${server}</tt:IPv4Address>` : `<tt:DNSname>${escapeXml(server)}</tt:DNSname>`;
    return `<tt:NTPManual><tt:Type>${isAddress ? 'IPv4' : 'DNS'}</tt:Type>${name}</tt:NTPManual>`;
  });
  return respond('GetNTP', `<tds:NTPInformation><tt:FromDHCP>false</tt:FromDHCP>${rows.join('')}</tds:NTPInformation>`);
}

function setNtp(body: XmlElement, { clock }: UpkeepState): string {
  if (!/^(true|false|0|1)$/.test(textAt(body, 'FromDHCP') ?? '')) throw missing('FromDHCP');
  const hosts = body.children.filter((one) => one.name === 'NTPManual');
  if (hosts.length > 4) throw invalidArgument('InvalidIPv4Address', 'Four servers at most');
  clock.servers = hosts.map((host) => {
    const type = textAt(host, 'Type');
    const name = textAt(host, type === 'DNS' ? 'DNSname' : `${type}Address`);
    if (name === undefined || name === '') throw invalidArgument('InvalidDnsName', 'A time server has no name or address');
    return name;
  });
  return respond('SetNTP');
}

/** A tt:User of a request; the password may be left out where a user is changed. */
function readUser(element: XmlElement): { user: string; password: string | undefined; level: Account['level'] } {
  const user = textAt(element, 'Username') ?? '';
  const level = LEVELS.find((one) => one === textAt(element, 'UserLevel'));
  if (user === '' || user.length > 32) throw missing('Username');
  if (level === undefined) throw invalidArgument('UserLevel', 'This level is not supported');
  const password = child(element, 'Password')?.text;
  if (password !== undefined && password.length < 4) throw invalidArgument('PasswordTooWeak', 'Four characters at least');
  return { user, password, level };
}

function userOperations({ accounts }: UpkeepState): Service {
  const write = (name: string, takes: string, answer: (body: XmlElement) => void): Operation => ({
    access: 'WRITE_SYSTEM',
    takes: [takes],
    repeats: [takes],
    answer: (body) => {
      if (body.children.length === 0) throw missing(takes);
      answer(body);
      return respond(name);
    },
  });
  const unknown = (): SoapFault => invalidArgument('UsernameMissing', 'There is no such user');
  return {
    GetUsers: {
      access: 'READ_SYSTEM',
      takes: [],
      answer: () => {
        const rows = accounts.list().map(({ user, level }) => {
          return `<tds:User><tt:Username>${escapeXml(user)}</tt:Username><tt:UserLevel>${level}</tt:UserLevel></tds:User>`;
        });
        return respond('GetUsers', rows.join(''));
      },
    },
    CreateUsers: write('CreateUsers', 'User', (body) => {
      const made = body.children.map(readUser);
      if (accounts.list().length + made.length > MAX_USERS) throw new SoapFault('Receiver', ['ter:Action', 'ter:TooManyUsers'], 'No room');
      for (const { user, password } of made) {
        if (accounts.find(user) !== undefined)
          throw new SoapFault('Receiver', ['ter:OperationProhibited', 'ter:UsernameClash'], 'User exists');
        if (password === undefined) throw missing('Password');
      }
      for (const { user, password = '', level } of made) accounts.add({ user, password, level });
    }),
    SetUser: write('SetUser', 'User', (body) => {
      const changed = body.children.map(readUser);
      if (changed.some(({ user }) => accounts.find(user) === undefined)) throw unknown();
      for (const one of changed) {
        if (accounts.isMain(one.user) && one.level !== 'Administrator')
          throw new SoapFault('Receiver', ['ter:OperationProhibited', 'ter:FixedUser'], 'This level is fixed');
        accounts.change(one.user, one);
      }
    }),
    DeleteUsers: write('DeleteUsers', 'Username', (body) => {
      const names = body.children.map((one) => one.text.trim());
      if (names.some((name) => accounts.find(name) === undefined)) throw unknown();
      if (names.some((name) => accounts.isMain(name)))
        throw new SoapFault('Receiver', ['ter:OperationProhibited', 'ter:FixedUser'], 'This user is fixed');
      for (const name of names) accounts.remove(name);
    }),
  };
}

/** The operations; they are part of the device service. */
export function deviceUpkeep(state: UpkeepState): Service {
  const read = (answer: Operation['answer']): Operation => ({ access: 'READ_SYSTEM', takes: [], answer });
  return {
    GetSystemDateAndTime: { access: 'PRE_AUTH', takes: [], answer: (_body, { now }) => systemTime(state, now) },
    SetSystemDateAndTime: {
      access: 'WRITE_SYSTEM',
      takes: ['DateTimeType', 'DaylightSavings', 'TimeZone', 'UTCDateTime'],
      answer: (body) => setSystemTime(body, state),
    },
    GetNTP: read(() => ntp(state)),
    SetNTP: {
      access: 'WRITE_SYSTEM',
      takes: ['FromDHCP', 'NTPManual'],
      repeats: ['NTPManual'],
      answer: (body) => setNtp(body, state),
    },
    GetDNS: read(() => respond('GetDNS', '<tds:DNSInformation><tt:FromDHCP>false</tt:FromDHCP></tds:DNSInformation>')),
    GetNetworkDefaultGateway: read(() => respond('GetNetworkDefaultGateway', '<tds:NetworkGateway/>')),
    GetNetworkProtocols: read(() => {
      const { http, rtsp } = state.ports();
      const protocol = (name: string, port: number, isOn: boolean): string =>
        `<tds:NetworkProtocols><tt:Name>${name}</tt:Name><tt:Enabled>${isOn}</tt:Enabled><tt:Port>${port}</tt:Port></tds:NetworkProtocols>`;
      return respond('GetNetworkProtocols', protocol('HTTP', http, true) + protocol('HTTPS', 443, false) + protocol('RTSP', rtsp, true));
    }),
    ...userOperations(state),
    SystemReboot: {
      access: 'UNRECOVERABLE',
      takes: [],
      answer: () => {
        state.reboot();
        return respond('SystemReboot', '<tds:Message>Rebooting in a moment</tds:Message>');
      },
    },
    StartFirmwareUpgrade: {
      access: 'UNRECOVERABLE',
      takes: [],
      answer: (_body, { baseUri }) => {
        const facts = '<tds:UploadDelay>PT0S</tds:UploadDelay><tds:ExpectedDownTime>PT1S</tds:ExpectedDownTime>';
        return respond('StartFirmwareUpgrade', `<tds:UploadUri>${escapeXml(`${baseUri}/onvif/firmware`)}</tds:UploadUri>${facts}`);
      },
    },
  };
}
