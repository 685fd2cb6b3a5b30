import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Users } from '../access/users.ts';
import { DecisionLinks, LINK_LIFE_MS } from './decision-links.ts';
import { makeWorld } from './testing/world.ts';

test('a link is refused once its time is over, or with another key, and decides nothing then', async () => {
  const world = await makeWorld();
  const { store, requests, people } = world;
  await world.entitle({ approval: { needed: 1, group: 'approvers' }, pendingMinutes: 60 * 24 * 7 });
  const { id } = await world.ask();
  const parts = { store, requests, users: new Users(store), requireCurrent: async () => {}, now: () => world.now };
  const links = new DecisionLinks({ ...parts, key: new Uint8Array(32).fill(1) });
  const stranger = new DecisionLinks({ ...parts, key: new Uint8Array(32).fill(2) });
  const { approve, deny } = await links.issue(id, people.anna.id);
  await assert.rejects(stranger.use(approve, '192.0.2.1', undefined), { code: 'ticket_invalid' });
  world.now += LINK_LIFE_MS + 1000;
  for (const token of [approve, deny]) {
    await assert.rejects(links.look(token), { code: 'ticket_invalid' });
    await assert.rejects(links.use(token, '192.0.2.1', undefined), { code: 'ticket_invalid' });
  }
  assert.equal(await world.stateOf(id), 'pending');
  const { deny: fresh } = await links.issue(id, people.anna.id);
  assert.equal((await links.use(fresh, '192.0.2.1', 'no')).state, 'denied');
  await store.destroy();
});
