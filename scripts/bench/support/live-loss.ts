/** A line that loses packets: the live service and Chromium with a relay between them that drops media, the same datagrams in every run. */
import { launchChromium, observeLoss, pageRig, seededLoss, watchInPage } from '../../../test/peers/webrtc-page.js';
import { openUdpMiddle } from '../../../test/support/udp-middle.js';

/** Freezes per minute as Chromium's getStats counts them, and pictures decoded of those sent; the camera sends 25 a second. */
export interface LossResult {
  readonly freezesPerMinute: number;
  readonly frames: number;
  readonly sent: number;
}

/** `share` of the media datagrams towards the viewer are lost for `seconds`. */
export async function watchWithLoss(share: number, seconds: number): Promise<LossResult> {
  const browser = await launchChromium();
  const { service } = pageRig();
  const middle = await openUdpMiddle({ isLost: seededLoss(share), isKeeping: false });
  try {
    const page = await browser.newPage();
    await watchInPage(page, service, { route: (sdp) => middle.route(sdp) });
    return await observeLoss(page, seconds);
  } finally {
    await service.stop();
    await browser.close();
    await middle.close();
  }
}
