import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseRange } from './send-file.ts';
import { broughtTls, selfMadeTls } from './tls.ts';

const folder = await mkdtemp(join(tmpdir(), 'oriel-tls-'));
after(() => rm(folder, { recursive: true }));

test('the self-made certificate names this host, is kept, and is made anew before it ends', async () => {
  const now = Date.now();
  const made = await selfMadeTls(folder, now);
  const certificate = new X509Certificate(made.cert);
  for (const name of ['localhost', hostname()]) assert.equal(certificate.checkHost(name), name);
  for (const ip of ['127.0.0.1', '::1']) assert.equal(certificate.checkIP(ip), ip);
  assert.equal((await stat(join(folder, 'key.pem'))).mode & 0o777, 0o600);

  assert.deepEqual(await selfMadeTls(folder, now + 300 * 86_400_000), made);
  const renewed = await selfMadeTls(folder, now + 380 * 86_400_000);
  assert.notEqual(renewed.cert, made.cert);
});

test('a certificate that no server can use is refused by the name of its setting', async () => {
  const [own, other] = [await selfMadeTls(join(folder, 'own')), await selfMadeTls(join(folder, 'other'))];
  const [certificate, key] = [join(folder, 'brought.pem'), join(folder, 'brought-key.pem')];
  const bring = async (cert: string, privateKey: string) => {
    await writeFile(certificate, cert);
    await writeFile(key, privateKey);
    return broughtTls(certificate, key);
  };
  assert.deepEqual(await bring(own.cert, own.key), own);
  assert.deepEqual(await bring(`${own.cert}\n${other.cert}`, own.key), { ...own, cert: `${own.cert}\n${other.cert}` });
  await assert.rejects(bring('no certificate', own.key), /^ConfigError: ORIEL_TLS_CERT: \S+brought\.pem holds no PEM/);
  await assert.rejects(bring(own.cert, own.cert), /^ConfigError: ORIEL_TLS_KEY: \S+brought-key\.pem holds no PEM/);
  await assert.rejects(bring(own.cert, other.key), /^ConfigError: ORIEL_TLS_KEY: \S+ is not the key of/);
  await assert.rejects(
    broughtTls(certificate, join(folder, 'none')),
    /^ConfigError: ORIEL_TLS_KEY: cannot be read: ENOENT/,
  );
});

test('ranges', () => {
  const cases: [string, number, ReturnType<typeof parseRange>][] = [
    ['bytes=0-0', 10, { start: 0, end: 0 }],
    ['bytes=3-', 10, { start: 3, end: 9 }],
    ['bytes=-3', 10, { start: 7, end: 9 }],
    ['bytes=-30', 10, { start: 0, end: 9 }],
    ['bytes=5-50', 10, { start: 5, end: 9 }],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=6-5', 10, undefined],
    ['bytes=-', 10, undefined],
    ['bytes=0-1,3-4', 10, undefined],
    ['items=0-1', 10, undefined],
    ['', 10, undefined],
  ];
  for (const [header, size, expected] of cases) assert.deepEqual(parseRange(header, size), expected, header);
});
