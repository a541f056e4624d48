/** Programs of the system that the tests use. Looks at what is really there; installs on Debian as root, else says exactly what to do. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { SetupFailure } from './failure.mjs';
import { runLong, say, which } from './run.mjs';

/** The Debian packages of the whole test suite. */
export const TEST_TOOLS = [
  'chromium',
  'ffmpeg',
  'mosquitto',
  'socat',
  'tshark',
  'iproute2',
  'coturn',
  'python3-gi',
  'python3-zeep',
  'gir1.2-gst-rtsp-server-1.0',
  'gir1.2-gst-plugins-base-1.0',
  'gstreamer1.0-plugins-base',
  'gstreamer1.0-plugins-good',
  'gstreamer1.0-plugins-bad',
  'gstreamer1.0-plugins-ugly',
  'gstreamer1.0-libav',
  'gstreamer1.0-tools',
  'fonts-dejavu-core',
  'libxml2-utils',
  'openssl',
];

/** What must be found on the PATH where there is no dpkg to ask. Packages without a program are checked through Python and GStreamer. */
const PROGRAMS = {
  chromium: ['chromium', 'chromium-browser', 'google-chrome'],
  ffmpeg: ['ffmpeg'],
  mosquitto: ['mosquitto', '/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto'],
  socat: ['socat'],
  tshark: ['tshark'],
  iproute2: ['ip', '/sbin/ip'],
  coturn: ['turnserver'],
  'gstreamer1.0-tools': ['gst-inspect-1.0'],
  'libxml2-utils': ['xmllint'],
  openssl: ['openssl'],
};
const ELEMENTS = {
  'gstreamer1.0-plugins-base': 'videotestsrc',
  'gstreamer1.0-plugins-good': 'rtph264pay',
  'gstreamer1.0-plugins-bad': 'h264parse',
  'gstreamer1.0-plugins-ugly': 'x264enc',
  'gstreamer1.0-libav': 'avdec_h264',
};
const IN_PYTHON = {
  'python3-gi': 'import gi',
  'python3-zeep': 'import zeep',
  'gir1.2-gst-rtsp-server-1.0': 'import gi; gi.require_version("GstRtspServer", "1.0"); from gi.repository import GstRtspServer',
  'gir1.2-gst-plugins-base-1.0': 'import gi; gi.require_version("GstApp", "1.0"); from gi.repository import GstApp',
};

const isFine = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;
const hasProgram = (names) => names.some((name) => (name.startsWith('/') ? existsSync(name) : which(name) !== undefined));

function isPresentElsewhere(name) {
  if (PROGRAMS[name] !== undefined) return hasProgram(PROGRAMS[name]);
  if (ELEMENTS[name] !== undefined) return isFine('gst-inspect-1.0', ['--exists', ELEMENTS[name]]);
  if (IN_PYTHON[name] !== undefined) return isFine('python3', ['-c', IN_PYTHON[name]]);
  return name === 'fonts-dejavu-core'
    ? /DejaVu/.test(spawnSync('fc-list', [], { encoding: 'utf8' }).stdout ?? '')
    : which(name) !== undefined;
}

function missingFrom(names) {
  if (which('dpkg-query') === undefined) return names.filter((name) => !isPresentElsewhere(name));
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders.
  const ran = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\\n', ...names], { encoding: 'utf8' });
  const installed = new Set(ran.stdout.split('\n').flatMap((line) => (line.endsWith(' installed') ? [line.split(' ')[0]] : [])));
  // A program from elsewhere (a self-built ffmpeg) is as good as the package.
  return names.filter((name) => !installed.has(name) && !(PROGRAMS[name] !== undefined && hasProgram(PROGRAMS[name])));
}

function isDebian(osRelease) {
  const text = existsSync(osRelease) ? readFileSync(osRelease, 'utf8') : '';
  return /^ID(_LIKE)?=.*debian/m.test(text) && which('apt-get') !== undefined;
}

async function apt(args, what) {
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const { code, output } = await runLong('apt-get', args, { cwd: '/', env, what });
  if (code === 0) return;
  const reason = output.split('\n').findLast((line) => line.startsWith('E:')) ?? `exit code ${code}`;
  throw new SetupFailure(`The tests need Debian packages that apt-get could not install (${reason}): put that right, then run this again.`);
}

/**
 * Throws SetupFailure with one sentence when a tool is missing and cannot be installed from here. Never leaves one out in silence.
 * `osRelease` and `uid` say whose machine it is; tests put others there.
 */
export async function ensureTools(names, { osRelease = '/etc/os-release', uid = process.getuid?.() } = {}) {
  const missing = missingFrom(names);
  if (missing.length === 0) return;
  const list = missing.join(' ');
  if (!isDebian(osRelease)) {
    throw new SetupFailure(
      `The tests need programs that are missing here; on Debian 12 their packages are called: ${list}. Install them, then run this again.`,
    );
  }
  if (uid !== 0)
    throw new SetupFailure(
      `The tests need packages that are missing here: run "sudo apt-get install -y --no-install-recommends ${list}", then run this again.`,
    );
  say(`Installing Debian packages that the tests use (apt-get): ${list}.`);
  await apt(['update', '-q'], 'reading the package lists');
  await apt(['install', '-y', '-q', '--no-install-recommends', ...missing], 'installing Debian packages');
  const left = missingFrom(names);
  if (left.length > 0) throw new SetupFailure(`apt-get ended well but these are still missing: ${left.join(' ')}.`);
}
