import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Secret } from '../../../../agent/kernel/secret.js';
import { usernameToken } from '../../../../drivers/onvif/wsse.js';

test('nonce, time and password are hashed as in the published example', () => {
  // ONVIF Application Programmer's Guide 1.0, section 6.1.1.3: user, nonce, created, password "userpassword".
  const nonce = Buffer.from('LKqI6G/AikKCQrN0zqZFlg==', 'base64');
  const login = { user: 'user', password: new Secret('userpassword') };
  const token = usernameToken(login, Date.parse('2010-09-16T07:50:45.000Z'), nonce);
  assert.match(
    token,
    '<Created xmlns="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd">2010-09-16T07:50:45.000Z</Created>',
  );
  assert.match(token, `#Base64Binary">LKqI6G/AikKCQrN0zqZFlg==</Nonce>`);
  // Computed outside this program. For the guide's own spelling of the time (without milliseconds) the same computation gives its
  // published tuOSpGlFlIXsozq4HFNeeGeFLEI=.
  assert.match(token, '#PasswordDigest">GWk9UqNXKG2Mstn03A/oF+HQr84=</Password>');
  assert.not.match(token, 'userpassword');
});

test('the user is escaped', () => {
  const token = usernameToken({ user: 'a&b<c>', password: new Secret('') }, 0, new Uint8Array(16));
  assert.match(token, '<Username>a&amp;b&lt;c&gt;</Username>');
});

test.run();
