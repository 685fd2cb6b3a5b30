import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { openStore } from './store.ts';

const folder = await mkdtemp(join(tmpdir(), 'oriel-crash-'));
after(() => rm(folder, { recursive: true }));
const program = fileURLToPath(new URL('testing/write-process.ts', import.meta.url));

/** Runs until it has confirmed so many changes, and kills it in the middle of the next. Returns what was confirmed. */
async function killedAfter(database: string, changes: number): Promise<Map<string, string>> {
  const child = spawn(process.execPath, [program, database], { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = new Promise((resolve) => child.once('close', resolve));
  const confirmed = new Map<string, string>();
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [id = '', state = ''] = line.split(' ');
    confirmed.set(id, state);
    if (++count === changes) child.kill('SIGKILL');
  }
  await gone;
  return confirmed;
}

const later: Record<string, readonly string[]> = {
  pending: ['pending', 'available', 'completed'],
  available: ['available', 'completed'],
  completed: ['completed'],
};

for (const changes of [1, 8, 24]) {
  test(`killed while writing, after ${changes} changes: what was confirmed is there, and nothing by halves`, async () => {
    const path = join(folder, `${changes}.sqlite`);
    const confirmed = await killedAfter(path, changes);
    assert.ok(confirmed.size > 0);
    const store = await openStore(path);
    const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(store);
    assert.deepEqual(
      rows.map((row) => row.integrity_check),
      ['ok'],
    );
    assert.deepEqual((await sql`pragma foreign_key_check`.execute(store)).rows, []);
    const requests = await store.selectFrom('requests').selectAll().execute();
    const states = new Map(requests.map(({ id, state }) => [id, state]));
    for (const [id, state] of confirmed) {
      assert.ok(later[state]?.includes(states.get(id) ?? 'lost'), `${id}: ${state}, now ${states.get(id)}`);
    }
    // One transaction is the state, the history, the vote and the audit log: they agree for every request.
    for (const { id, state } of requests) {
      const events = await store
        .selectFrom('request_events')
        .selectAll()
        .where('request_id', '=', id)
        .orderBy('id')
        .execute();
      assert.equal(events.at(-1)?.state, state);
      const votes = await store.selectFrom('request_votes').selectAll().where('request_id', '=', id).execute();
      assert.equal(votes.length, state === 'pending' ? 0 : 1);
      const audited = await sql<{ count: number }>`
        select count(*) as count from audit where details_json like ${`%${id}%`}`.execute(store);
      assert.equal(audited.rows[0]?.count, events.length);
    }
    await store.destroy();
  });
}
