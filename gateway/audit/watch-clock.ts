import { ClockWatch } from '../clock.ts';
import type { Logger } from '../log.ts';
import { Recurring } from '../recurring.ts';
import type { Audit } from './audit.ts';

/** Writes into the trail that the machine's clock was set: times before and after cannot be held against one another as they are. */
export function watchClock(
  audit: Pick<Audit, 'record'>,
  log: Pick<Logger, 'warn' | 'error'>,
  { clock = new ClockWatch(), everyMs = EVERY_MS }: { readonly clock?: ClockWatch; readonly everyMs?: number } = {},
): Recurring {
  const look = async (): Promise<void> => {
    const byMs = clock.moved();
    if (byMs === 0) return;
    log.warn({ byMs }, "the machine's clock was set: sessions and recordings keep theirs until the next start");
    await audit.record({ action: 'clock.moved', details: { byMs } });
  };
  return new Recurring(everyMs, look, (err) => log.error({ err }, 'that the clock was set is not in the trail'));
}

const EVERY_MS = 5000;
