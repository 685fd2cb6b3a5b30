import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { startAll, waitFor } from '../lab/processes.ts';
import type { LabServer } from '../lab/server.ts';
import { startXrdp } from '../lab/xrdp.ts';
import { closeBrowser, launchBrowser } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';
import { openPerson, playAndDownload, samePicture, typeALine } from './story.ts';

/** A network between gateway and server that can be cut, and a window that changes its size. */

let gateway: TestGateway;
let browser: Browser;
let server: LabServer;
let network: Server;
const cables = new Set<Socket>();
/** Who connects while it is down waits until it is up. */
let isUp = Promise.resolve();

before(async () => {
  [server, gateway, browser] = await startAll(startXrdp(), startGateway(), launchBrowser());
  network = createServer(async (near) => {
    near.on('error', () => near.destroy());
    await isUp;
    if (near.destroyed) return;
    const far = connect(server.port, server.host);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      cables.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        cables.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }).listen(0, '127.0.0.1');
  await once(network, 'listening');
});

after(async () => {
  await closeBrowser(browser);
  for (const cable of cables) cable.destroy();
  network?.close();
  await Promise.all([gateway?.stop(), server?.stop()]);
});

test('the desktop follows the window; a cut connection comes back into the same tab and the same recording', async () => {
  const { port } = network.address() as AddressInfo;
  const { targetId } = await gateway.admin.addTarget('Far', { ...server, port });
  const person = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  await person.go(`/desktop/${targetId}`);
  await person.state('active');
  const desktop = await server.desktop();
  await typeALine(person, desktop, 'before the cut');
  const before = await samePicture(person, desktop);

  await person.page.setViewportSize({ width: 1000, height: 760 });
  await waitFor('the desktop to follow the window', async () => {
    const { width, height } = await person.picture();
    return width !== before.width && height !== before.height;
  });
  const resized = await samePicture(person, desktop);

  const repaired = Promise.withResolvers<void>();
  isUp = repaired.promise;
  for (const cable of cables) cable.resetAndDestroy();
  await person.page.getByTestId('reconnecting').waitFor();
  repaired.resolve();
  await person.page.getByTestId('reconnecting').waitFor({ state: 'detached' });
  // xrdp has a log window of its own until it has found the session again, and what is typed till then ends there.
  await samePicture(person, desktop, { name: 'desktop after the cut' });
  await typeALine(person, desktop, 'after the cut');
  const after = await samePicture(person, desktop);
  assert.deepEqual([after.width, after.height], [resized.width, resized.height]);

  const sessions = await gateway.admin.sessions();
  assert.equal(sessions.length, 1, 'one session, not two');
  const [{ id = '' } = {}] = sessions;
  await person.page.getByTestId('end-session').click();
  await person.page.getByTestId('confirm-end').click();
  await person.state('ended');
  const recording = await gateway.admin.recordingReady(id);
  const events = await gateway.admin.must<{ type: string; state?: string }[]>('GET', `/api/recordings/${id}/events`);
  const states = events.filter(({ type }) => type === 'connection').map(({ state }) => state);
  assert.deepEqual([states[0], states.at(-1)], ['reconnecting', 'connected']);
  assert.ok(events.filter(({ type }) => type === 'desktop').length >= 2, 'the new size of the desktop');
  await playAndDownload(gateway, person, recording, 'after the cut');
  assert.deepEqual(person.complaints, []);
});
