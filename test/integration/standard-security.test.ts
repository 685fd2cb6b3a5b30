import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LegacySecurityPolicy } from '../../protocol/connector/types.ts';
import { connectTo, drawsWhatXShows } from '../lab/client.ts';
import { LAYOUT } from '../lab/desktop.ts';
import { Hopeless, waitFor } from '../lab/processes.ts';
import type { LabServer } from '../lab/server.ts';
import { startShadow } from '../lab/shadow.ts';
import { startXrdp } from '../lab/xrdp.ts';

/** Standard RDP security against servers that are not ours. */

async function works(server: LabServer, legacySecurity: LegacySecurityPolicy): Promise<void> {
  const client = connectTo(server, { legacySecurity, nla: 'never' });
  await waitFor('the connection', () => {
    if (client.end() !== undefined) throw new Hopeless(`the connection has ended: ${JSON.stringify(client.end())}`);
    return client.compositor.width > 0;
  });
  assert.ok(!client.phases.includes('securing'));
  const desktop = await server.desktop();
  await drawsWhatXShows(client, desktop, { tolerance: 0 });
  const { x, y } = LAYOUT.terminal;
  client.connection.input([{ kind: 'mouse-move', x, y }]);
  await waitFor('the pointer to have moved', () => desktop.pointer().x === x && desktop.pointer().y === y);
  client.connection.close();
}

for (const level of ['fips', 'none'] as const) {
  test(`xrdp with crypt_level=${level}: input arrives, the picture is the server's`, async () => {
    const server = await startXrdp({ standardSecurity: level });
    try {
      await works(server, 'required');
    } catch (error) {
      throw new Error(`${error}\n${server.log()}`, { cause: error });
    } finally {
      await server.stop();
    }
  });
}

test("freerdp-shadow with standard RDP security: input arrives, the picture is the server's", async () => {
  const server = await startShadow({ security: 'rdp' });
  try {
    await works(server, 'required');
  } finally {
    await server.stop();
  }
});

test('a server without TLS is refused unless the target allows it', async () => {
  const server = await startShadow({ security: 'rdp' });
  try {
    const client = connectTo(server, { nla: 'preferred' });
    await waitFor('the end', () => client.end() !== undefined);
    assert.equal(client.end()?.code, 'tls_failed');
  } finally {
    await server.stop();
  }
});
