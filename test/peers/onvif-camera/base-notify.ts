/** Sends events to a consumer's own address (WS-BaseNotification), one POST each, as cameras without pull points do. */
import http from 'node:http';
import type { EventMessage } from './camera-events.js';
import { writeSoap } from './soap.js';

const TIMEOUT_MS = 5000;

/** Never throws: a consumer that is not there hears nothing. */
export function notifyConsumer(consumer: string, message: EventMessage): void {
  if (!URL.canParse(consumer)) return;
  const body = writeSoap(
    `<wsnt:Notify>${message.xml}</wsnt:Notify>`,
    '<wsa5:Action>http://docs.oasis-open.org/wsn/bw-2/NotificationConsumer/Notify</wsa5:Action>',
  );
  const headers = { 'Content-Type': 'application/soap+xml; charset=utf-8', 'Content-Length': Buffer.byteLength(body), Connection: 'close' };
  const request = http.request(consumer, { method: 'POST', headers, timeout: TIMEOUT_MS, agent: false }, (answer) => answer.resume());
  request.on('timeout', () => request.destroy());
  request.on('error', () => undefined);
  request.end(body);
}
