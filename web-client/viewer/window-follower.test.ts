import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Size } from './scaling.ts';
import { WindowFollower } from './window-follower.ts';

test('the desktop is asked for the size at which the window came to rest, once', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const asked: Size[] = [];
  let wish: Size | undefined = { width: 800, height: 600 };
  const follower = new WindowFollower({
    wish: () => wish,
    size: () => ({ width: 1024, height: 768 }),
    ask: (size) => asked.push(size),
  });
  const rest = () => context.mock.timers.tick(300);
  follower.changed();
  context.mock.timers.tick(299);
  wish = { width: 640, height: 480 };
  follower.changed();
  context.mock.timers.tick(299);
  assert.deepEqual(asked, []);
  rest();
  assert.deepEqual(asked, [{ width: 640, height: 480 }]);
  // The desktop has kept its own size; it is not asked again and again.
  follower.changed();
  rest();
  wish = undefined;
  follower.changed();
  rest();
  assert.equal(asked.length, 1);
  wish = { width: 1024, height: 768 };
  follower.changed();
  rest();
  assert.equal(asked.length, 2);
  wish = { width: 1, height: 1 };
  follower.changed();
  follower.dispose();
  rest();
  assert.equal(asked.length, 2);
});
