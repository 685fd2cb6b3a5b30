import { makeWorld } from '../../requests/testing/world.ts';

/**
 * Asks, approves and gives back without end, on the database that the argument names, and prints the id and the state
 * of each request that it was told is so. To be killed.
 */
const world = await makeWorld(process.argv[2] ?? '');
const { anna, ute } = world.people;
await world.entitle({ approval: { needed: 1, group: 'approvers' } });
for (;;) {
  const { id, state } = await world.ask();
  process.stdout.write(`${id} ${state}\n`);
  process.stdout.write(`${id} ${await world.requests.approve(id, world.by(anna))}\n`);
  process.stdout.write(`${id} ${await world.requests.checkIn(id, world.by(ute))}\n`);
}
