import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '../store/store.ts';
import { Role } from './can.ts';
import { isUsername } from './user-names.ts';
import { Users } from './users.ts';

test('names with what nobody sees, or takes for a space, are for nobody', () => {
  const fine = [
    'admin',
    'Jörg',
    'jane doe',
    'CONTOSO\\jane',
    'jane@example.com',
    'Ольга',
    '田中',
    'ΝΊΚΟΣ',
    'née'.normalize('NFD'),
    'j🙂',
  ];
  for (const name of fine) assert.ok(isUsername(name), name);
  const unseen = [
    '\u200b',
    '\u200e',
    '\u202e',
    '\u00ad',
    '\u3164',
    '\u115f',
    '\ufeff',
    '\u2800',
    '\u00a0',
    '\u3000',
    '\u2028',
    '\ud800',
    '\ufe0f',
  ];
  for (const character of unseen) {
    assert.ok(!isUsername(`ad${character}min`), character.charCodeAt(0).toString(16));
  }
  for (const name of ['', ' admin', 'admin ', 'ad  min', 'a\tb', 'a'.repeat(65)]) assert.ok(!isUsername(name), name);
});

test('a user is found however the name is written, and nobody has it in another way', async () => {
  const store = await openStore(':memory:');
  const users = new Users(store);
  await users.create('admin', 'password0', [Role.admin]);
  const jörg = await users.create('Jörg'.normalize('NFC'), 'password1', [Role.user]);
  const ways = ['Jörg', 'JÖRG', 'jörg', 'jÖrg'].flatMap((way) => [way.normalize('NFC'), way.normalize('NFD')]);
  for (const way of ways) {
    assert.equal((await users.findByName(way))?.id, jörg.id, way);
    assert.equal((await users.authenticate(way, 'password1'))?.id, jörg.id, way);
    await assert.rejects(users.create(way, 'password2', [Role.user]), { code: 'conflict' }, way);
  }
  assert.equal(await users.findByName('Jorg'), undefined, 'somebody else');
  await users.create('Jorg', 'password3', [Role.user]);
  await assert.rejects(users.create('admin\u200b', 'password4', [Role.admin]), { code: 'bad_request' });
  await assert.rejects(users.create('ADMIN', 'password5', [Role.admin]), { code: 'conflict' });
  const two = await Promise.allSettled(['ÄNNE', 'änne'].map((name) => users.create(name, undefined, [Role.user])));
  assert.deepEqual(two.map(({ status }) => status).sort(), ['fulfilled', 'rejected'], 'two administrators at once');
  await store.destroy();
});

test('of two who were made with one name in two ways, each is the one that is meant exactly', async () => {
  const store = await openStore(':memory:');
  const users = new Users(store);
  await users.create('admin', 'password0', [Role.admin]);
  const first = await users.create('Ärzte', 'password1', [Role.user]);
  const second = await users.create('another', 'password2', [Role.user]);
  await store.updateTable('users').set({ username: 'ärzte' }).where('id', '=', second.id).execute();
  assert.equal((await users.findByName('Ärzte'))?.id, first.id);
  assert.equal((await users.findByName('ärzte'))?.id, second.id);
  assert.equal(await users.findByName('ärzte'.normalize('NFD')), undefined);
  await store.destroy();
});
