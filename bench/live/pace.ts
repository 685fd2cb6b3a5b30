import { setTimeout as sleep } from 'node:timers/promises';
import type { UserCounts } from './generator/main.ts';
import type { Lab } from './lab.ts';
import { parseSize, type Sender, streamKey } from './matrix.ts';
import { ready } from './measure.ts';
import type { Peer } from './peers/peer.ts';
import { type PaceRow, round } from './rows.ts';

/** Whole pages: each frame draws the desktop but for its task bar. */
const SCENARIO = 'page';
const DESKTOPS_PER_FRAME = 0.95;
const WARM_UP_MS = 2000;

/** How many frames a second a server is let send that would send without end. */
export async function measurePace(
  lab: Lab,
  peer: Peer,
  server: Sender,
  sizeName: string,
  seconds: number,
): Promise<PaceRow> {
  const size = parseSize(sizeName);
  if (size === undefined) throw new TypeError(`no size: ${sizeName}`);
  const user = `flood-${streamKey(SCENARIO, sizeName, server)}.${peer.name}`;
  const session = await peer.open({ user, password: 'bench', port: lab.ports.rdp, size });
  try {
    await ready(lab, session, async () => (await lab.generator.call<UserCounts>('counts', user)).frames > 0);
    await sleep(WARM_UP_MS);
    const sent = async () => ({
      frames: (await lab.generator.call<UserCounts>('counts', user)).frames,
      at: performance.now(),
    });
    const before = await sent();
    await sleep(seconds * 1000);
    const after = await sent();
    const framesPerSecond = ((after.frames - before.frames) * 1000) / (after.at - before.at);
    return { server, size: sizeName, framesPerSecond: round(framesPerSecond, 2), desktopsPerFrame: DESKTOPS_PER_FRAME };
  } finally {
    await session.close();
  }
}
