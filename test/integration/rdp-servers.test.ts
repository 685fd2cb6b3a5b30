import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectTo, drawsWhatXShows, type LabClient } from '../lab/client.ts';
import { LAYOUT } from '../lab/desktop.ts';
import { Hopeless, waitFor } from '../lab/processes.ts';
import type { LabServer } from '../lab/server.ts';
import { startShadow } from '../lab/shadow.ts';
import { startXrdp } from '../lab/xrdp.ts';

/** The project's own client against real servers, without gateway or browser: what it draws is what the server shows. */

/** Presses and releases the keys of a text; for letters and Return only, which is all these tests type. */
function typeScancodes(client: LabClient, text: string): void {
  const rows: [string, number][] = [
    ['qwertyuiop', 0x10],
    ['asdfghjkl', 0x1e],
    ['zxcvbnm', 0x2c],
  ];
  for (const character of text) {
    const row = rows.find(([keys]) => keys.includes(character));
    const code =
      character === '\n' ? 0x1c : character === ' ' ? 0x39 : (row?.[1] ?? 0) + (row?.[0].indexOf(character) ?? 0);
    for (const down of [true, false]) client.connection.input([{ kind: 'scancode', code, extended: false, down }]);
  }
}

async function worksOn(server: LabServer, client: LabClient, tolerance: number): Promise<void> {
  await waitFor('the connection', () => {
    if (client.end() !== undefined) throw new Hopeless(`the connection has ended: ${JSON.stringify(client.end())}`);
    return client.compositor.width > 0;
  });
  const desktop = await server.desktop();
  await drawsWhatXShows(client, desktop, { tolerance });
  const { x, y } = LAYOUT.terminal;
  client.connection.input([{ kind: 'mouse-move', x, y }]);
  for (const down of [true, false]) client.connection.input([{ kind: 'mouse-button', button: 1, down, x, y }]);
  typeScancodes(client, 'touch arrived\n');
  await desktop.file('arrived', /^$/);
  await desktop.pointerAt(x, y);
  await drawsWhatXShows(client, desktop, { tolerance });
  assert.equal(client.compositor.skipped, 0);
  client.connection.close();
}

for (const [colorDepth, tolerance] of [
  [32, 0],
  [24, 0],
  // Five or six bits a channel: the server rounds down, so up to 7 (or 3 for the six) are missing.
  [16, 8],
  [15, 8],
] as const) {
  test(`xrdp over TLS at ${colorDepth} bpp: input arrives, the picture is the server's`, async () => {
    const server = await startXrdp();
    try {
      await worksOn(server, connectTo(server, { colorDepth }), tolerance);
    } finally {
      await server.stop();
    }
  });
}

for (const [colorDepth, tolerance] of [
  [32, 0],
  [16, 8],
] as const) {
  test(`freerdp-shadow with NLA at ${colorDepth} bpp: input arrives, the picture is the server's`, async () => {
    const server = await startShadow();
    try {
      const client = connectTo(server, { colorDepth, nla: 'required' });
      await worksOn(server, client, tolerance);
      assert.ok(client.phases.includes('authenticating'));
    } finally {
      await server.stop();
    }
  });
}

test('freerdp-shadow: two clients at once, and one that leaves does not disturb the other', async () => {
  const server = await startShadow();
  try {
    const [first, second] = [connectTo(server), connectTo(server)];
    const desktop = await server.desktop();
    await drawsWhatXShows(first, desktop, { tolerance: 0 });
    await drawsWhatXShows(second, desktop, { tolerance: 0 });
    first.connection.close();
    await desktop.type('echo one more line\n');
    await drawsWhatXShows(second, desktop, { tolerance: 0 });
    second.connection.close();
  } finally {
    await server.stop();
  }
});

test('a wrong password is refused by NLA as logon_failed', async () => {
  const server = await startShadow();
  try {
    const client = connectTo(server, { password: 'not this one' });
    assert.equal((await waitFor('the refusal', () => client.end())).code, 'logon_failed');
  } finally {
    await server.stop();
  }
});
