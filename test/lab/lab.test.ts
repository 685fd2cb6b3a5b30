import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { comparePictures, type Picture } from './desktop.ts';
import { startAll, waitFor } from './processes.ts';
import { startShadow } from './shadow.ts';
import { startXrdp } from './xrdp.ts';

test('two freerdp-shadow desktops side by side are separate and leave nothing behind', async () => {
  const servers = await Promise.all([startShadow(), startShadow()]);
  const desktops = await Promise.all(servers.map((server) => server.desktop()));
  try {
    assert.notEqual(desktops[0]?.display, desktops[1]?.display);
    for (const [index, desktop] of desktops.entries()) await desktop.type(`echo desktop-${index} > arrived\n`);
    for (const [index, desktop] of desktops.entries())
      assert.equal(await desktop.file('arrived'), `desktop-${index}\n`);
    const picture = await desktops[0]!.screenshot();
    assert.deepEqual([picture.width, picture.height], [1024, 768]);
    // Title bar, terminal text and background: more than one colour, or the screen is blank.
    assert.ok(new Set(new Uint32Array(picture.rgb.slice().buffer)).size > 10);
    await desktops[0]!.movePointer(850, 590);
    assert.deepEqual(await desktops[0]!.pointer(), { x: 850, y: 590 });
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
  for (const desktop of desktops) assert.ok(!existsSync(desktop.home), `${desktop.home} should be gone`);
});

test('a test process that is killed takes its servers with it', async () => {
  const script = `
    const { startProcess } = await import(${JSON.stringify(import.meta.resolve('./processes.ts'))});
    console.log(startProcess('sleeper', ['sh', '-c', 'exec sleep 600']).pid);
  `;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(owner.stdout, 'data')) as [Buffer];
  const sleeper = Number(line.toString());
  assert.ok(isAlive(sleeper));
  // Only then has it asked the kernel for it.
  await waitFor('the sleeper to sleep', () => readFileSync(`/proc/${sleeper}/cmdline`, 'utf8').startsWith('sleep'));
  owner.kill('SIGKILL');
  await waitFor('the sleeper to be gone', () => !isAlive(sleeper));
});

function isAlive(pid: number): boolean {
  try {
    // A zombie that nobody has waited for yet is gone, too.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('two xrdp servers start side by side and end', async () => {
  const servers = await Promise.all([startXrdp(), startXrdp()]);
  assert.notEqual(servers[0]?.port, servers[1]?.port);
  await Promise.all(servers.map((server) => server.stop()));
});

test('pictures are compared by share and by PSNR, in a rectangle when asked', () => {
  const black: Picture = { width: 4, height: 2, rgb: new Uint8Array(24) };
  const dotted: Picture = { ...black, rgb: Uint8Array.from({ length: 24 }, (_, index) => (index === 3 ? 255 : 0)) };
  assert.deepEqual(comparePictures(black, black), { share: 0, psnr: Number.POSITIVE_INFINITY });
  const { share, psnr } = comparePictures(black, dotted);
  assert.equal(share, 1 / 8);
  assert.equal(psnr.toFixed(2), (10 * Math.log10(24)).toFixed(2));
  assert.equal(comparePictures(black, dotted, { area: { x: 2, y: 0, width: 2, height: 2 } }).share, 0);
  assert.equal(comparePictures(black, dotted, { tolerance: 255 }).share, 0);
  assert.throws(() => comparePictures(black, { ...black, width: 2, height: 4 }), /differ in size/);
});

test('where one of several does not start, those that did are ended, and it says why', async () => {
  const ended: string[] = [];
  const good = { stop: async () => void ended.push('good') };
  const slow = { close: () => void ended.push('slow') };
  const later = new Promise<typeof slow>((resolve) => setImmediate(() => resolve(slow)));
  await assert.rejects(startAll(Promise.resolve(good), Promise.reject(new Error('its log')), later), /its log/);
  assert.deepEqual(ended, ['good', 'slow']);
});
