import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { backUp, restore } from './backup.ts';
import { lockFolder } from './lock.ts';
import { openStore, type Store } from './store.ts';

const root = await mkdtemp(join(tmpdir(), 'oriel-backup-'));
after(() => rm(root, { recursive: true }));

let made = 0;
async function folder(): Promise<string> {
  const path = join(root, `data-${++made}`);
  await mkdir(path);
  return path;
}

const put = (store: Store, name: string) => store.insertInto('settings').values({ name, value_json: '1' }).execute();
const names = async (store: Store) =>
  (await store.selectFrom('settings').select('name').orderBy('name').execute()).map(({ name }) => name);
const openIn = (data: string) => openStore(join(data, 'oriel.sqlite'));

test('backed up while it is written to, and restored: what was there then is there again', async () => {
  const data = await folder();
  const store = await openIn(data);
  await put(store, 'before');
  const file = join(root, 'copy.sqlite');
  const writing = (async () => {
    for (let i = 0; i < 50; i++) await put(store, `meanwhile ${i}`);
  })();
  const bytes = await backUp(data, file);
  await writing;
  assert.equal((await stat(file)).size, bytes);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  await put(store, 'after');
  const user = { id: 'u', username: 'u', password_hash: '', roles_json: '[]', disabled: 0, created_at: 0 };
  await store.insertInto('users').values(user).execute();
  await store.destroy();

  const [kept] = await restore(data, file);
  assert.ok(kept !== undefined && (await stat(kept)).size > 0, 'what was there is kept');
  const restored = await openIn(data);
  const found = await names(restored);
  assert.ok(found.includes('before') && !found.includes('after'));
  assert.deepEqual(await restored.selectFrom('users').selectAll().execute(), []);
  await restored.destroy();
  const old = await openStore(kept);
  assert.ok((await names(old)).includes('after'), 'all of it, with what was still in the write-ahead log');
  await old.destroy();
  assert.deepEqual(
    (await readdir(root)).filter((name) => name.startsWith('copy')),
    ['copy.sqlite'],
    'one file',
  );
});

test('a gateway that writes more often than a copy takes is backed up as it was at one moment', async () => {
  const data = await folder();
  const store = await openIn(data);
  await store
    .insertInto('settings')
    .values({ name: 'large', value_json: JSON.stringify('x'.repeat(4_000_000)) })
    .execute();
  const gateway = new DatabaseSync(join(data, 'oriel.sqlite'), { timeout: 5000 });
  gateway.exec('pragma synchronous = off');
  const write = gateway.prepare(`insert into settings values (?, '1')`);
  let writes = 0;
  let isOver = false;
  const writing = (async () => {
    for (; !isOver && writes < 3000; writes++) {
      write.run(`tick ${writes}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  const file = join(root, 'busy.sqlite');
  await backUp(data, file);
  isOver = true;
  await writing;
  gateway.close();
  await store.destroy();
  const copy = new DatabaseSync(file, { readOnly: true });
  const ticks = copy.prepare(`select count(*) as ticks from settings where name like 'tick %'`).get()?.ticks;
  copy.close();
  assert.ok(Number(ticks) < writes, `${ticks} of ${writes}: it went on until nobody wrote any more`);
});

test('a backup taken a second time replaces the first only when it is whole', async () => {
  const data = await folder();
  const store = await openIn(data);
  const file = join(root, 'twice.sqlite');
  await backUp(data, file);
  await put(store, 'second');
  await backUp(data, file);
  await store.destroy();
  const empty = await folder();
  assert.deepEqual(await restore(empty, file), []);
  const restored = await openIn(empty);
  assert.deepEqual(await names(restored), ['second']);
  await restored.destroy();
});

test('signed heads of the trail that goes are set aside with it, also those on another disk that outlived it', async () => {
  const data = await folder();
  const elsewhere = join(await folder(), 'heads.jsonl');
  const store = await openIn(data);
  const file = join(root, 'heads.sqlite');
  await backUp(data, file);
  await store.destroy();
  await writeFile(join(data, 'audit-heads.jsonl'), 'beside');
  const [database = '', beside = ''] = await restore(data, file);
  assert.equal(beside, `${database}.audit-heads.jsonl`);
  await writeFile(elsewhere, 'elsewhere');
  const [, moved = ''] = await restore(data, file, elsewhere);
  assert.ok(moved.startsWith(`${elsewhere}.before-restore-`));
  assert.equal(await readFile(moved, 'utf8'), 'elsewhere');
  await assert.rejects(stat(elsewhere), { code: 'ENOENT' });
  await writeFile(elsewhere, 'all that is left');
  const [alone = '', ...others] = await restore(await folder(), file, elsewhere);
  assert.equal(await readFile(alone, 'utf8'), 'all that is left');
  assert.deepEqual(others, []);
});

test('whoever was signed in at the backup is not after the restore', async () => {
  const data = await folder();
  const store = await openIn(data);
  const user = { id: 'u', username: 'u', password_hash: '', roles_json: '[]', disabled: 0, created_at: 0 };
  await store.insertInto('users').values(user).execute();
  const times = { created_at: 0, last_seen_at: 0, expires_at: 1e15 };
  const signIn = { token_hash: Uint8Array.of(1), user_id: 'u', reference: 'r', ...times };
  await store.insertInto('login_sessions').values(signIn).execute();
  const file = join(root, 'signed-in.sqlite');
  await backUp(data, file);
  await store.destroy();
  await restore(data, file);
  const restored = await openIn(data);
  assert.deepEqual(await restored.selectFrom('login_sessions').selectAll().execute(), []);
  assert.equal((await restored.selectFrom('users').selectAll().execute()).length, 1);
  await restored.destroy();
});

test('refused: a folder in use, what is no backup, what is damaged, what is of a later version', async () => {
  const data = await folder();
  await (await openIn(data)).destroy();
  const file = join(root, 'good.sqlite');
  await backUp(data, file);
  const lock = lockFolder(join(data, 'lock.sqlite'));
  await assert.rejects(restore(data, file), /another gateway uses this data folder/);
  lock.release();

  const text = join(root, 'text.sqlite');
  await writeFile(text, 'just text, and not a little of it '.repeat(1000));
  await assert.rejects(restore(data, text), { name: 'BackupError' });
  await assert.rejects(restore(data, join(root, 'missing.sqlite')), { name: 'BackupError' });
  await assert.rejects(backUp(join(root, 'nowhere'), file), { name: 'BackupError' });

  const later = join(root, 'later.sqlite');
  await backUp(data, later);
  const database = new DatabaseSync(later);
  database.exec("insert into kysely_migration values ('9999_tomorrow', '2099')");
  database.close();
  await assert.rejects(restore(data, later), /later version \(9999_tomorrow\)/);

  const damaged = join(root, 'damaged.sqlite');
  const size = await backUp(data, damaged);
  const handle = await open(damaged, 'r+');
  await handle.write(new Uint8Array(8192).fill(0xff), 0, 8192, Math.floor(size / 2 / 4096) * 4096);
  await handle.close();
  await assert.rejects(restore(data, damaged), { name: 'BackupError' });

  const store = await openIn(data);
  assert.deepEqual(await names(store), [], 'the database is still the one that was there');
  await store.destroy();
});

test('the command explains itself, and takes no option for a file', async () => {
  const data = await folder();
  await (await openIn(data)).destroy();
  const run = (...words: string[]) =>
    spawnSync(process.execPath, [join(import.meta.dirname, 'backup-main.ts'), ...words], {
      env: { ...process.env, ORIEL_DATA: data },
      cwd: data,
      encoding: 'utf8',
    });
  const before = await readdir(data);
  const help = run('backup', '--help');
  assert.deepEqual([help.status, help.stderr], [0, '']);
  assert.match(help.stdout, /^usage: npm run backup/);
  assert.equal(run('backup', '--force').status, 1);
  assert.equal(run('restore').status, 1);
  assert.deepEqual(await readdir(data), before);
});
