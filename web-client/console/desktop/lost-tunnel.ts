import type { EndReason } from '../../viewer/remote-desktop.ts';
import type { SessionEnd } from '../api/types.ts';

/** The gateway may notice a moment later than the page does. */
const ASK_AGAIN_MS = [300, 1000, 3000];

/**
 * What was behind a tunnel that broke off without a word: the gateway knows where only a part of it has failed. Nothing where the page
 * knows as much, or the gateway cannot be asked.
 * @param look asks the gateway how the session ended; nothing while it goes on
 */
export async function whyTunnelBrokeOff(
  told: EndReason,
  look: () => Promise<SessionEnd | null>,
  after: (milliseconds: number) => Promise<void> = (milliseconds) =>
    new Promise((resolve) => setTimeout(resolve, milliseconds)),
): Promise<EndReason | undefined> {
  if (told.code !== 'gateway_lost') return undefined;
  try {
    let end = await look();
    for (const pause of ASK_AGAIN_MS) {
      if (end !== null) break;
      await after(pause);
      end = await look();
    }
    // That the browser went is how the gateway sees it.
    if (end === null || end.code === 'browser_gone') return undefined;
    const { at: _, ...reason } = end;
    return reason;
  } catch {
    return undefined;
  }
}
