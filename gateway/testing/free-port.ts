import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/**
 * A TCP port on 127.0.0.1 that was free a moment ago, and that the system gives to nobody who asks for any: it is still free when a server comes
 * for it that takes a while to start, or that is started again. And who connects to it meanwhile never meets himself, as he does when the system
 * has given him the very port that he connects to.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, firstGivenPort());
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** Above those that services are known by. */
const FIRST_PORT = 12_000;

/** Linux gives ports from here on, 32768 unless it is set up otherwise. */
function firstGivenPort(): number {
  const first = Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10);
  return first > FIRST_PORT + 1000 ? first : 65_536;
}
