import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Kysely, Migrator } from 'kysely';
import { createLogger } from '../log.ts';
import { migrations } from '../store/migrations.ts';
import { nodeSqliteDialect } from '../store/sqlite.ts';
import { openStore } from '../store/store.ts';
import { testSigner } from '../testing/trail-signer.ts';
import { Audit } from './audit.ts';
import { AuditSearch } from './audit-search.ts';
import { type ChainedRow, GENESIS, hashRow, toTrailRow } from './chain.ts';
import { readHeads } from './head-keeper.ts';
import { headLine, signHead } from './signatures.ts';
import { makeTrail, removeTrail, type TrailWorld } from './testing/world.ts';
import { verifyDatabase } from './trail-file.ts';
import { verifyTrail } from './verify.ts';
import { verifyExport } from './verify-export.ts';

const ROWS = 40;
let world: TrailWorld;
let folder: string;
let copies = 0;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oriel-tamper-'));
  world = await makeTrail();
  await world.trail.start();
  await world.write(ROWS / 2);
  await world.trail.heads.sign();
  await world.write(ROWS / 2 - 1);
  await world.close();
});
after(async () => {
  await removeTrail(world);
  await rm(folder, { recursive: true });
});

/** A copy of the trail, after somebody with every right on the file has been there: its guards put back, of course. */
async function tampered(how: (database: DatabaseSync) => void, heads: (text: string) => string = (text) => text) {
  const database = join(folder, `${copies++}.sqlite`);
  const headsFile = `${database}.heads`;
  await copyFile(world.database, database);
  await writeFile(headsFile, heads(await readFile(world.headsFile, 'utf8')));
  const file = new DatabaseSync(database);
  const guards = file
    .prepare(`select name, sql from sqlite_master where type = 'trigger' and name like 'audit%'`)
    .all();
  for (const { name } of guards) file.exec(`drop trigger ${name}`);
  how(file);
  for (const { sql } of guards) file.exec(String(sql));
  file.close();
  return verifyDatabase(database, await world.signer.trustedKeys(), [headsFile]);
}

const problemsOf = (report: { problems: readonly { kind: string; number: number | null }[] }) =>
  report.problems.map(({ kind, number }) => `${kind} ${number}`);
const pick = (from: number, to: number) => from + Math.floor(Math.random() * (to - from + 1));

test('untouched, it is whole, and signed to the end', async () => {
  const report = await tampered(() => {});
  assert.deepEqual(report.problems, []);
  assert.equal(report.verdict, 'whole');
  assert.equal(report.rows, ROWS);
  assert.equal(report.signedUpTo, ROWS);
});

test('the database itself refuses to change, remove or replace a row, a head, or an archive', async () => {
  const file = new DatabaseSync(world.database);
  for (const statement of [
    `update audit set actor = 'x' where id = 3`,
    'delete from audit where id = 3',
    'delete from audit',
    `update audit_heads set hash = 'x'`,
    'delete from audit_heads',
  ]) {
    assert.throws(() => file.exec(statement), /append-only/, statement);
  }
  file.close();
});

const columns: Readonly<Record<string, string>> = {
  at: 'at + 1',
  actor_id: `coalesce(actor_id, '') || 'x'`,
  actor: `actor || ' '`,
  address: `replace(address || '1', '1', '2')`,
  action: `replace(action, 'e', 'a')`,
  subject: `upper(subject) || 'Z'`,
  session_id: 'null',
  details_json: `replace(details_json, ':', ': ') || ' '`,
  hash: `replace(hash, substr(hash, 5, 1), 'x')`,
};
for (const [column, expression] of Object.entries(columns)) {
  test(`an edit of ${column} is found, and where`, async () => {
    const number = pick(2, ROWS);
    const report = await tampered((file) =>
      file.exec(`update audit set ${column} = ${expression} where id = ${number}`),
    );
    assert.equal(report.verdict, 'altered');
    assert.equal(report.problems[0]?.number, number, JSON.stringify(report.problems));
  });
}

test('random bytes of random columns: each flip is found', async () => {
  const names = ['actor_id', 'actor', 'address', 'action', 'subject', 'session_id', 'details_json', 'hash'];
  for (let round = 0; round < 60; round++) {
    const number = pick(2, ROWS);
    const column = names[pick(0, names.length - 1)];
    let before = '';
    let flipped = '';
    const report = await tampered((file) => {
      before = String(file.prepare(`select ${column} as text from audit where id = ?`).get(number)?.text);
      const bytes = Buffer.from(before);
      if (bytes.length === 0) return;
      const at = pick(0, bytes.length - 1);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(0, 6));
      flipped = bytes.toString();
      file.prepare(`update audit set ${column} = ? where id = ?`).run(flipped, number);
    });
    if (before !== '') assert.equal(report.verdict, 'altered', `${column} of ${number}: ${before} to ${flipped}`);
  }
});

test('rows that are removed are named', async () => {
  const one = pick(2, ROWS - 1);
  assert.deepEqual(problemsOf(await tampered((file) => file.exec(`delete from audit where id = ${one}`))).slice(0, 1), [
    `missing ${one}`,
  ]);
  const report = await tampered((file) => file.exec('delete from audit where id between 5 and 9'));
  assert.match(report.problems[0]?.text ?? '', /rows 5 to 9 are missing/);
  assert.equal(report.verdict, 'altered');
});

test('the beginning cannot go either', async () => {
  const report = await tampered((file) => file.exec('delete from audit where id < 4'));
  assert.match(report.problems[0]?.text ?? '', /rows 1 to 3 are missing/);
});

test('two rows that change places are found', async () => {
  const report = await tampered((file) => {
    file.exec('update audit set id = -1 where id = 7; update audit set id = 7 where id = 12');
    file.exec('update audit set id = 12 where id = -1');
  });
  assert.equal(report.verdict, 'altered');
  assert.deepEqual(problemsOf(report), ['altered 7', 'altered 8', 'altered 12', 'altered 13']);
});

test('what is put in is found, in the middle and at the end', async () => {
  const insert = (id: number) =>
    `insert into audit select ${id}, at, actor_id, actor, address, action, subject, session_id, details_json, hash from audit where id = 4`;
  const middle = await tampered((file) => {
    file.exec('update audit set id = -id where id > 10; update audit set id = 1 - id where id < 0');
    file.exec(insert(11));
  });
  assert.equal(middle.verdict, 'altered');
  assert.equal(middle.problems[0]?.number, 11);
  assert.deepEqual(problemsOf(await tampered((file) => file.exec(insert(ROWS + 1)))), [`altered ${ROWS + 1}`]);
});

/** Makes the chain go with the rows again, as somebody would who knows how it is made. */
function rechain(file: DatabaseSync): void {
  let previous = GENESIS;
  for (const row of file.prepare('select * from audit order by id').all()) {
    previous = hashRow(previous, toTrailRow(row as never));
    file.prepare('update audit set hash = ? where id = ?').run(previous, Number(row.id));
  }
}

test('a chain that was computed anew does not go with the signed heads', async () => {
  const report = await tampered((file) => {
    file.exec(`update audit set actor = 'otto' where id = 30`);
    rechain(file);
  });
  assert.equal(report.verdict, 'altered');
  assert.deepEqual(problemsOf(report), [`rewritten ${ROWS}`], 'between the two heads');
  const signedAnew = await tampered((file) => {
    file.exec(`update audit set actor = 'otto' where id = 30`);
    rechain(file);
    file.exec('delete from audit_heads');
    const last = file.prepare('select id, hash from audit order by id desc limit 1').get();
    const head = signHead(testSigner(), { number: ROWS, hash: String(last?.hash), at: '2026-03-01T09:00:00.000Z' });
    const forged = { ...head, key: world.signer.keyId };
    file
      .prepare('insert into audit_heads values (?, ?, ?, ?, ?)')
      .run(ROWS, forged.hash, forged.at, forged.key, forged.signature);
  });
  assert.equal(signedAnew.verdict, 'altered');
  assert.ok(problemsOf(signedAnew).includes(`head_forged ${ROWS}`));
});

test('an end that is cut off is found by the file beside, and by the database where the file was cut too', async () => {
  const cut = (file: DatabaseSync) => file.exec(`delete from audit where id > ${ROWS - 3}`);
  const withHeads = await tampered((file) => {
    cut(file);
    file.exec(`delete from audit_heads where number > ${ROWS - 3}`);
  });
  assert.equal(withHeads.verdict, 'cut-short');
  assert.match(withHeads.problems[0]?.text ?? '', new RegExp(`rows ${ROWS - 2} to ${ROWS} are missing`));
  const withFile = await tampered(cut, () => '');
  assert.equal(withFile.verdict, 'cut-short');
});

test('heads that were kept elsewhere find what is gone from both', async () => {
  const report = await tampered(
    (file) => file.exec(`delete from audit where id > ${ROWS - 3}; delete from audit_heads where number > ${ROWS - 3}`),
    () => '',
  );
  assert.equal(report.verdict, 'whole', 'whoever takes all three copies is not seen from these three');
  const kept = (await readHeads(world.headsFile)).map(
    (head) => `<118>1 2026 host oriel - trail.head - ${headLine(head)}`,
  );
  const siem = join(folder, 'siem.log');
  await writeFile(siem, kept.join('\n'));
  const database = join(folder, `${copies - 1}.sqlite`);
  const found = await verifyDatabase(database, await world.signer.trustedKeys(), [siem]);
  assert.equal(found.verdict, 'cut-short');
});

test('without the key nothing is claimed; without its guards the database is suspect', async () => {
  const unknown = await verifyDatabase(world.database, await testSigner().trustedKeys(), [world.headsFile]);
  assert.equal(unknown.verdict, 'not-checkable');
  const database = join(folder, 'unguarded.sqlite');
  await copyFile(world.database, database);
  const file = new DatabaseSync(database);
  file.exec('drop trigger audit_no_update');
  file.close();
  const report = await verifyDatabase(database, await world.signer.trustedKeys(), []);
  assert.deepEqual(problemsOf(report), ['unguarded null']);
});

for (const format of ['jsonl', 'csv'] as const) {
  test(`an export as ${format} is checked from the file alone; any flipped byte is found, and any cut`, async () => {
    const own = await makeTrail();
    await own.trail.start();
    await own.write(25);
    const keys = await own.signer.trustedKeys();
    const path = join(folder, `export.${format}`);
    const check = async (bytes: Uint8Array | string) => {
      await writeFile(path, bytes);
      return verifyExport(path, keys);
    };
    const text = await textOf(await own.trail.export(format, {}, 'anna'));
    assert.deepEqual(await check(text), { ...(await check(text)), verdict: 'whole', rows: 26, first: 1, last: 26 });
    const part = await textOf(await own.trail.export(format, { search: 'Ziel 1' }, 'anna'));
    const partly = await check(part);
    assert.deepEqual([partly.verdict, partly.rows], ['whole', 11]);
    const nothing = await check(await textOf(await own.trail.export(format, { search: 'nobody' }, 'anna')));
    assert.deepEqual([nothing.verdict, nothing.rows], ['whole', 0]);
    for (const source of [text, part]) {
      const bytes = Buffer.from(source);
      for (let round = 0; round < 60; round++) {
        const altered = Uint8Array.from(bytes);
        const at = pick(0, bytes.length - 1);
        altered[at] = (altered[at] ?? 0) ^ (1 << pick(0, 7));
        assert.notEqual((await check(altered)).verdict, 'whole', `byte ${at}`);
        const end = pick(1, bytes.length - 3);
        const cut = await check(bytes.subarray(0, end));
        assert.equal(cut.verdict, 'cut-short', `cut at ${end}: ${JSON.stringify(cut.problems)}`);
      }
      const lines = source.split('\n');
      const without = [...lines.slice(0, 5), ...lines.slice(6)].join('\n');
      assert.equal((await check(without)).verdict, 'altered', 'a line less');
      const swapped = [...lines.slice(0, 4), lines[5], lines[4], ...lines.slice(6)].join('\n');
      assert.equal((await check(swapped)).verdict, 'altered', 'two lines in each other’s place');
    }
    await own.close();
    await removeTrail(own);
  });
}

test('in CSV nothing begins like a formula, and everything comes back as it was', async () => {
  const own = await makeTrail();
  const names = ['=1+1', '+1', '-1', '@x', "'quoted", '\ttab', 'a,"b"', 'line\nbreak', ''];
  for (const name of names)
    await own.audit.record({ action: 'user.created', actor: { id: 'u', username: name }, subject: name });
  const text = await textOf(await own.trail.export('csv', {}, 'anna'));
  for (const cell of text.split(/[\r\n,]+/)) assert.doesNotMatch(cell, /^"?[=+\-@\t]/);
  const path = join(folder, 'formulas.csv');
  await writeFile(path, text);
  assert.equal((await verifyExport(path, await own.signer.trustedKeys())).verdict, 'whole');
  await own.close();
  await removeTrail(own);
});

test('old rows go as a closed range into a signed archive, and everything still verifies', async () => {
  let forwarded = 12;
  const own = await makeTrail({ forwardedUpTo: () => forwarded });
  await own.trail.start();
  await own.write(20);
  await own.trail.change({ keepDays: 30 });
  assert.equal(await own.trail.archive(), undefined, 'nothing is old enough');
  own.clock.now += 31 * 86_400_000;
  await own.write(5);
  const statement = await own.trail.archive();
  assert.deepEqual([statement?.from, statement?.to], [1, 12], 'not what a receiver does not have yet');
  forwarded = Number.MAX_SAFE_INTEGER;
  assert.deepEqual((await own.trail.archive())?.to, 21);
  assert.equal((await own.trail.search.list({ limit: 100 })).at(-1)?.id, 22);
  const { report } = await own.trail.verify();
  assert.deepEqual([report.verdict, report.first, report.archives], ['whole', 22, 2], JSON.stringify(report.problems));
  const keys = await own.signer.trustedKeys();
  for (const { file } of await own.trail.archives()) {
    const archive = await verifyExport(join(own.folder, 'audit-archive', file), keys);
    assert.equal(archive.verdict, 'whole', JSON.stringify(archive.problems));
  }
  const rest = join(folder, 'rest.jsonl');
  await writeFile(rest, await textOf(await own.trail.export('jsonl', {}, 'anna')));
  assert.equal((await verifyExport(rest, keys)).verdict, 'whole');
  await own.close();

  const file = new DatabaseSync(own.database);
  assert.throws(() => file.exec('delete from audit where id = 22'), /append-only/);
  // Somebody writes a statement of their own, and lets the database remove what it names.
  file.exec(
    `insert into audit_archives select 22, 23, last_hash, 'x', 'x', 'x', at, key_id, signature from audit_archives where from_number = 13`,
  );
  file.exec('delete from audit where id in (22, 23)');
  file.close();
  const forged = await verifyDatabase(own.database, keys, [own.headsFile]);
  assert.equal(forged.verdict, 'altered');
  assert.equal(problemsOf(forged)[0], 'archive_altered 22');
  await removeTrail(own);
});

test('a start finds that the end is gone since the last run, says so, and goes on', async () => {
  const own = await makeTrail();
  await own.trail.start();
  await own.write(5);
  await own.close();
  const file = new DatabaseSync(own.database);
  file.exec(
    'drop trigger audit_no_delete; drop trigger audit_heads_no_delete; delete from audit where id > 3; delete from audit_heads',
  );
  file.close();
  const store = await openStore(own.database);
  const again = await makeTrailOn(own, store);
  await again.trail.start();
  const [row] = await again.trail.search.list({ limit: 1 });
  assert.equal(row?.action, 'trail.broken');
  assert.deepEqual([row?.details.signedRow, row?.details.lastRow], [6, 3]);
  assert.deepEqual(
    again.told.map(({ kind }) => kind),
    ['trail.broken'],
  );
  await again.trail.stop();
  await store.destroy();
  await removeTrail(own);
});

test('rows from before there was a chain are in it, and it is said how many they are', async () => {
  const path = join(folder, 'old.sqlite');
  const old = new Kysely<unknown>({ dialect: nodeSqliteDialect(path) });
  const steps = Object.fromEntries(Object.entries(migrations).filter(([name]) => name < '0021'));
  const migrator = new Migrator({ db: old, provider: { getMigrations: async () => steps } });
  assert.equal((await migrator.migrateToLatest()).error, undefined);
  await old.destroy();
  const file = new DatabaseSync(path);
  for (let i = 0; i < 1500; i++) {
    file.exec(`insert into audit (at, actor_id, actor, address, action, subject, session_id, details_json)
      values (${i}, null, 'jane', '', 'login.failed', '', null, '{}')`);
  }
  file.close();
  const store = await openStore(path);
  const upgraded = await makeTrailOn(world, store, join(folder, 'old.heads'));
  await upgraded.trail.start();
  await upgraded.trail.stop();
  const { report } = await upgraded.trail.verify();
  assert.deepEqual([report.verdict, report.rows, report.signedUpTo], ['whole', 1501, 1501]);
  const [row] = await upgraded.trail.search.list({ limit: 1 });
  assert.deepEqual([row?.action, row?.details.rowsFromBefore], ['trail.started', 1500]);
  await store.destroy();
});

test('killed while writing, again and again: what was confirmed is there, and the chain holds', async () => {
  const database = join(folder, 'killed.sqlite');
  const headsFile = join(folder, 'killed.heads');
  const program = fileURLToPath(new URL('testing/write-process.ts', import.meta.url));
  const keys: { id: string; key: ReturnType<typeof createPublicKey> }[] = [];
  let rows = 0;
  for (const kill of [1, 5, 17]) {
    const child = spawn(process.execPath, [program, database, headsFile, String(rows)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let confirmed = 0;
    let lines = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      if (lines === 0) {
        const key = createPublicKey(JSON.parse(line) as string);
        keys.push({ id: '', key });
      } else confirmed = Number(line);
      if (lines++ === kill) child.kill('SIGKILL');
    }
    // Each run has a key of its own; its id is in the heads.
    const heads = await readHeads(headsFile);
    const known = new Set(keys.map(({ id }) => id));
    const id = heads.map(({ key }) => key).find((key) => !known.has(key)) ?? '';
    keys[keys.length - 1] = { id, key: (keys.at(-1) as (typeof keys)[number]).key };
    const report = await verifyDatabase(database, keys, [headsFile]);
    assert.deepEqual(report.problems, []);
    assert.equal(report.verdict, 'whole');
    assert.ok(report.rows >= confirmed, `${report.rows} of ${confirmed}`);
    assert.ok((report.signedUpTo ?? 0) >= confirmed);
    rows = report.rows;
  }
});

test('npm run audit -- verify: words and exit codes', async () => {
  const program = fileURLToPath(new URL('main.ts', import.meta.url));
  const [key] = await world.signer.trustedKeys();
  const pem = join(folder, 'key.pem');
  await writeFile(pem, key?.key.export({ format: 'pem', type: 'spki' }) ?? '');
  const run = (...words: string[]) => {
    const env = { PATH: process.env.PATH, ORIEL_DATA: join(folder, 'nothing') };
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], { env, encoding: 'utf8' });
    return { status, text: stdout + stderr };
  };
  const whole = run('verify', '--database', world.database, '--public-key', pem);
  assert.deepEqual([whole.status, whole.text.split('\n')[0]], [0, 'The trail is whole.']);
  await tampered((file) => file.exec(`update audit set actor = 'otto' where id = 9`));
  const altered = run('verify', '--database', join(folder, `${copies - 1}.sqlite`), '--public-key', pem);
  assert.equal(altered.status, 1);
  assert.match(altered.text, /row 9 /);
  await tampered((file) => file.exec('delete from audit where id > 35; delete from audit_heads where number > 35'));
  const cut = run(
    'verify',
    '--database',
    join(folder, `${copies - 1}.sqlite`),
    '--public-key',
    pem,
    '--heads',
    world.headsFile,
  );
  assert.equal(cut.status, 2, cut.text);
  assert.equal(run('verify', '--database', world.database).status, 3, 'no key');
  assert.equal(run('verify', '--database', join(folder, 'none.sqlite'), '--public-key', pem).status, 3);
  assert.equal(run('prove').status, 3);
});

test('a trail of nothing has nothing to check', async () => {
  const report = await verifyTrail({ rows: [], heads: [], archives: [], keys: [] });
  assert.equal(report.verdict, 'not-checkable');
});

async function makeTrailOn(like: TrailWorld, store: Awaited<ReturnType<typeof openStore>>, headsFile = like.headsFile) {
  const { Trail } = await import('./trail.ts');
  const { Audit } = await import('./audit.ts');
  const { createLogger } = await import('../log.ts');
  const log = createLogger('silent');
  const audit = new Audit(store, log);
  const told: { kind: string }[] = [];
  const trail = new Trail({
    store,
    audit,
    signer: like.signer,
    notifier: { publish: async (happening) => void told.push(happening) },
    log,
    headsFile,
    archiveFolder: join(folder, 'archive'),
    forwardedUpTo: async () => 0,
  });
  return { trail, audit, told };
}

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += piece;
  return text;
}

test('whoever reads a long trail lets others have their turn', async () => {
  const store = await openStore(':memory:');
  const audit = new Audit(store, createLogger('silent'));
  await store.transaction().execute(async (transaction) => {
    for (let n = 0; n < 5000; n++) await audit.record({ action: 'logout' }, transaction);
  });
  let turns = 0;
  let isOver = false;
  const others = (async () => {
    for (; !isOver; turns++) await new Promise((resolve) => setImmediate(resolve));
  })();
  const began = turns;
  let rows = 0;
  for await (const _ of new AuditSearch(store).rows()) rows++;
  const had = turns - began;
  isOver = true;
  await others;
  await store.destroy();
  assert.equal(rows, 5000);
  assert.ok(had > 0);
});

test('a check of a long trail lets others have their turn', async () => {
  const signer = testSigner();
  const rows: ChainedRow[] = [];
  for (let number = 1, previous = GENESIS; number <= 4000; number++) {
    const facts = { number, at: number, actorId: null, actor: '', address: '', action: 'logout', subject: '' };
    const row = { ...facts, sessionId: null, details: '{}' };
    previous = hashRow(previous, row);
    rows.push({ ...row, hash: previous });
  }
  const heads = rows.map(({ number, hash }) => signHead(signer, { number, hash, at: 'now' }));
  let turns = 0;
  let isOver = false;
  const others = (async () => {
    for (; !isOver; turns++) await new Promise((resolve) => setImmediate(resolve));
  })();
  const began = turns;
  const report = await verifyTrail({ rows, heads, archives: [], keys: await signer.trustedKeys() });
  const had = turns - began;
  isOver = true;
  await others;
  assert.deepEqual([report.verdict, report.heads], ['whole', 4000]);
  assert.ok(had > 2, `others had ${had} turns`);
});
