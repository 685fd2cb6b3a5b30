import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createCipheriv, generateKeyPairSync, randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { sql } from 'kysely';
import { createLogger } from '../log.ts';
import { lockFolder } from '../store/lock.ts';
import { openStore, type Store } from '../store/store.ts';
import { MasterKeyError, masterKey } from './master-key.ts';
import { RecordingKeys } from './recording-keys.ts';
import { type NewKey, Rewrap } from './rewrap.ts';
import { countSealed, rewrapAll } from './sealed-values.ts';
import { type KeyConfig, type Unlocked, unlock } from './unlock.ts';
import type { Vault } from './vault.ts';

const folder = await mkdtemp(join(tmpdir(), 'oriel-rewrap-'));
after(() => rm(folder, { recursive: true }));
const log = createLogger('silent');
const SECRETS = 230;

interface Place {
  readonly store: Store;
  readonly unlocked: Unlocked;
  readonly rewrap: Rewrap;
}

const fileKey = (directory: string): KeyConfig => ({
  source: 'file',
  file: join(directory, 'master.key'),
  value: undefined,
  passphraseFile: undefined,
});

async function open(directory: string, config = fileKey(directory)): Promise<Place> {
  const store = await openStore(join(directory, 'oriel.sqlite'));
  try {
    const unlocked = await unlock({ store, config, log });
    const rewrap = new Rewrap({ store, unlocked, keyFile: config.file, log, settleMs: 5 });
    return { store, unlocked, rewrap };
  } catch (error) {
    await store.destroy();
    throw error;
  }
}

async function fill(store: Store, vault: Vault): Promise<void> {
  await sql`insert into users (id, username, password_hash, roles_json, disabled, created_at)
    values ('u', 'jane', '', '[]', 0, 1)`.execute(store);
  await sql`insert into second_factors values ('u', ${vault.seal('totp', 'second factor u')}, 1, 1, 0)`.execute(store);
  const keys = new RecordingKeys(store, vault);
  for (let i = 0; i < SECRETS; i++) await keys.create(`r${i}`);
  const sealed = Buffer.from(vault.seal('smtp', 'smtp password')).toString('base64');
  await store
    .insertInto('settings')
    .values({ name: 'mail', value_json: JSON.stringify({ host: 'x', sealedPassword: sealed }) })
    .execute();
}

/** Everything that was sealed opens. */
async function assertWhole({ store, unlocked }: Place): Promise<void> {
  const keys = new RecordingKeys(store, unlocked.vault);
  for (let i = 0; i < SECRETS; i++) assert.equal((await keys.find(`r${i}`))?.length, 32);
  const factor = await store.selectFrom('second_factors').select('secret').executeTakeFirstOrThrow();
  assert.equal(unlocked.vault.open(factor.secret, 'second factor u'), 'totp');
  const mail = await store.selectFrom('settings').select('value_json').where('name', '=', 'mail').executeTakeFirst();
  const { sealedPassword } = JSON.parse(mail?.value_json ?? '{}') as { sealedPassword: string };
  assert.equal(unlocked.vault.open(Buffer.from(sealedPassword, 'base64'), 'smtp password'), 'smtp');
}

test('secrets move to a new master key while others are sealed, and whatever moment the gateway dies in, none is lost', async () => {
  const home = join(folder, 'moving');
  await mkdir(home);
  const place = await open(home);
  const { store, unlocked, rewrap } = place;
  const oldKey = unlocked.current;
  const words = Buffer.from(await unlocked.ownKey('typed words'));
  await fill(store, unlocked.vault);
  await copyFile(join(home, 'master.key'), join(home, 'before.key'));

  await rewrap.begin({ source: 'file' });
  await assert.rejects(rewrap.begin({ source: 'file' }), { code: 'conflict' });
  let over = false;
  const moved = rewrap.settled().then(() => {
    over = true;
  });
  const snapshots: string[] = [];
  const keys = new RecordingKeys(store, unlocked.vault);
  while (!over) {
    // What the disk holds is what a gateway leaves that is killed now.
    const snapshot = join(folder, `snapshot-${snapshots.length}`);
    await mkdir(snapshot);
    await sql`vacuum into ${sql.lit(join(snapshot, 'oriel.sqlite'))}`.execute(store);
    await copyFile(join(home, 'master.key'), join(snapshot, 'master.key'));
    snapshots.push(snapshot);
    await keys.create(`while ${snapshots.length}`);
  }
  await moved;
  await assertWhole(place);
  assert.equal(await countSealed(store, oldKey.id), 0);
  assert.equal((await rewrap.state()).moving, null);
  await store.destroy();
  assert.ok((await readdir(home)).includes(`master.key.${Buffer.from(oldKey.id).toString('hex')}`), 'for old backups');
  const after = await open(home);
  await assertWhole(after);
  assert.deepEqual(Buffer.from(await after.unlocked.ownKey('typed words')), words, 'what is derived stays the same');
  await after.store.destroy();

  assert.ok(snapshots.length > 2, `${snapshots.length} moments were looked at`);
  for (const snapshot of snapshots) {
    for (const key of ['master.key', 'old.key']) {
      if (key === 'old.key') await copyFile(join(home, 'before.key'), join(snapshot, key));
      const config = { ...fileKey(snapshot), file: join(snapshot, key) };
      // Once the new key file is there the move may be over, and the old key of no more use.
      const found = await open(snapshot, config).catch((error: unknown) => {
        assert.ok(error instanceof MasterKeyError && key === 'old.key');
        return undefined;
      });
      if (found === undefined) continue;
      await assertWhole(found);
      found.rewrap.start();
      await found.rewrap.settled();
      assert.equal(await countSealed(found.store, oldKey.id), 0);
      await assertWhole(found);
      await found.store.destroy();
      const again = await open(snapshot, config);
      await assertWhole(again);
      await again.store.destroy();
    }
  }
});

test('from a file to a passphrase, to a key in the environment, and back to a file', async () => {
  const home = join(folder, 'sources');
  await mkdir(home);
  await writeFile(join(home, 'passphrase'), 'correct horse battery\n');
  const first = await open(home);
  await fill(first.store, first.unlocked.vault);
  await first.store.destroy();
  const key = randomBytes(32).toString('base64');
  const passphrase = { ...fileKey(home), source: 'passphrase', passphraseFile: join(home, 'passphrase') } as const;
  const environment = { ...fileKey(home), source: 'environment', value: key } as const;
  const steps: readonly (readonly [from: KeyConfig, to: NewKey, then: KeyConfig])[] = [
    [fileKey(home), { source: 'passphrase', passphrase: 'correct horse battery' }, passphrase],
    [passphrase, { source: 'environment', key }, environment],
    [environment, { source: 'file' }, fileKey(home)],
  ];
  for (const [from, to, then] of steps) {
    const place = await open(home, from);
    await place.rewrap.begin(to);
    await place.rewrap.settled();
    assert.equal((await place.rewrap.state()).source, to.source);
    await place.store.destroy();
    await assert.rejects(open(home, from), MasterKeyError, `${from.source} no longer opens`);
    const after = await open(home, then);
    await assertWhole(after);
    await after.store.destroy();
  }
  await writeFile(join(home, 'passphrase'), 'wrong horse battery');
  await assert.rejects(open(home, passphrase), MasterKeyError);
});

test('the command refuses a data folder that a gateway uses, and leaves its key as it is; else it moves everything', async () => {
  const home = join(folder, 'command');
  await mkdir(home);
  const key = () => readFile(join(home, 'master.key'), 'utf8');
  const place = await open(home);
  await fill(place.store, place.unlocked.vault);
  await place.store.destroy();
  const before = await key();
  // What a gateway leaves that has run: a key that the trail is signed with.
  await mkdir(join(home, 'keys'));
  const { privateKey } = generateKeyPairSync('ed25519');
  await writeFile(join(home, 'keys', 'evidence-ed25519.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const run = (...words: string[]) =>
    spawnSync(process.execPath, [join(import.meta.dirname, 'rewrap-main.ts'), ...words], {
      env: { ...process.env, ORIEL_DATA: home, ORIEL_KEY_FILE: join(home, 'master.key') },
      encoding: 'utf8',
    });
  const lock = lockFolder(join(home, 'lock.sqlite'));
  const refused = run('file');
  lock.release();
  assert.deepEqual([refused.status, refused.stderr], [1, 'another gateway uses this data folder\n']);
  const unclear = run('nowhere');
  assert.equal(unclear.status, 1);
  assert.match(unclear.stderr, /^usage: npm run rewrap/);
  assert.equal(await key(), before);
  const help = run('--help');
  assert.deepEqual([help.status, help.stderr], [0, '']);
  assert.match(help.stdout, /^usage: npm run rewrap/);
  const moved = run('file');
  assert.equal(moved.status, 0, moved.stderr);
  assert.match(moved.stdout, /^Everything is sealed with master key [0-9a-f]{16} \(file\)/);
  assert.notEqual(await key(), before);
  const after = await open(home);
  const last = await after.store.selectFrom('audit').select('hash').orderBy('id', 'desc').executeTakeFirstOrThrow();
  const head = await after.store.selectFrom('audit_heads').select('hash').orderBy('at', 'desc').executeTakeFirst();
  assert.equal(head?.hash, last.hash, 'the trail is signed to its end');
  await assertWhole(after);
  await after.store.destroy();
});

test('a secret that was altered stays behind, is named, and holds up none of the others', async () => {
  const home = join(folder, 'altered');
  await mkdir(home);
  const place = await open(home);
  await fill(place.store, place.unlocked.vault);
  const { secret } = await place.store
    .selectFrom('recording_keys')
    .select('secret')
    .where('session_id', '=', 'r7')
    .executeTakeFirstOrThrow();
  const altered = Uint8Array.from(secret ?? []);
  altered[30] = (altered[30] ?? 0) ^ 1;
  await sql`update recording_keys set secret = ${altered} where session_id = 'r7'`.execute(place.store);
  await place.rewrap.begin({ source: 'file' });
  await place.rewrap.settled();
  const { moving, lastError } = await place.rewrap.state();
  assert.equal(moving, null);
  assert.match(lastError ?? '', /1 secrets do not open: recording_keys\.secret/);
  const keys = new RecordingKeys(place.store, place.unlocked.vault);
  assert.equal((await keys.find('r8'))?.length, 32);
  await assert.rejects(keys.find('r7'), { code: 'secret_altered' });
  await place.store.destroy();
});

test('secrets of older versions, sealed by the master key itself, are put into envelopes at start', async () => {
  const home = join(folder, 'older');
  await mkdir(home);
  const key = randomBytes(32);
  await writeFile(join(home, 'master.key'), key.toString('base64'));
  const direct = (secret: string, owner: string): Uint8Array => {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    cipher.setAAD(Buffer.from(`oriel secret v1 ${owner}`));
    const body = [cipher.update(secret, 'utf8'), cipher.final()];
    return Buffer.concat([Buffer.from([1]), nonce, ...body, cipher.getAuthTag()]);
  };
  const store = await openStore(join(home, 'oriel.sqlite'));
  await sql`insert into users (id, username, password_hash, roles_json, disabled, created_at)
    values ('u', 'jane', '', '[]', 0, 1)`.execute(store);
  await sql`insert into second_factors values ('u', ${direct('totp', 'second factor u')}, 1, 1, 0)`.execute(store);
  for (let i = 0; i < SECRETS; i++) {
    const secret = direct(randomBytes(32).toString('base64'), `recording r${i}`);
    await sql`insert into recording_keys values (${`r${i}`}, ${secret}, 1, null)`.execute(store);
  }
  const sealedPassword = Buffer.from(direct('smtp', 'smtp password')).toString('base64');
  const mail = { name: 'mail', value_json: JSON.stringify({ sealedPassword }) };
  await store.insertInto('settings').values(mail).execute();
  await store.destroy();

  const file = join(home, 'another.key');
  await writeFile(file, randomBytes(32).toString('base64'));
  await assert.rejects(open(home, { ...fileKey(home), file }), /no secret of this store opens/);
  const place = await open(home);
  await assertWhole(place);
  assert.ok((await countSealed(place.store, place.unlocked.current.id)) >= SECRETS + 2);
  await place.store.destroy();
  assert.equal((await readFile(join(home, 'master.key'), 'utf8')).trim(), key.toString('base64'));
});

test('many secrets move without holding up whoever else is served', async () => {
  const home = join(folder, 'many');
  await mkdir(home);
  const store = await openStore(':memory:');
  const { vault, current } = await unlock({ store, config: fileKey(home), log });
  const keys = new RecordingKeys(store, vault);
  for (let i = 0; i < 3000; i++) await keys.create(`r${i}`);
  vault.sealWith(masterKey(randomBytes(32)));
  let turns = 0;
  let isOver = false;
  const others = (async () => {
    for (; !isOver; turns++) await new Promise((resolve) => setImmediate(resolve));
  })();
  const began = turns;
  assert.deepEqual(await rewrapAll(store, vault, current.id, () => {}), []);
  const had = turns - began;
  isOver = true;
  await others;
  assert.equal(await countSealed(store, current.id), 0);
  await store.destroy();
  assert.ok(had > 0);
});
