import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LinkSpeed } from './link-speed.ts';

/** Sends so many messages of a size, one when the last was answered, each of which takes so long. @returns the time after them */
function exchange(link: LinkSpeed, count: number, bytes: number, ms: number, from: number): number {
  for (let at = from; ; at += ms) {
    if (count-- === 0) return at;
    link.sent(bytes, at);
    link.acknowledged(1, at + ms);
  }
}

test('a far link is no slow one: the way is taken off, be it known by a greeting or by something small', () => {
  for (const learn of [
    (link: LinkSpeed) => link.greeted(300),
    (link: LinkSpeed) => void exchange(link, 1, 100, 300, 0),
  ]) {
    const link = new LinkSpeed();
    learn(link);
    assert.equal(link.wayMs, 300);
    exchange(link, 3, 100_000, 350, 1000);
    assert.ok((link.bytesPerSecond ?? 0) > 1_000_000, `${link.bytesPerSecond}`);
  }
});

test('several portions say what one that is large enough says; small ones say nothing', () => {
  const link = new LinkSpeed();
  exchange(link, 10, 5000, 40, 0);
  assert.equal(link.bytesPerSecond, undefined);
  exchange(link, 3, 20_000, 100, 1000);
  const rate = link.bytesPerSecond ?? 0;
  assert.ok(rate > 100_000 && rate < 200_000, `${rate}`);
});

test('a link that is given little does not become narrow by it, one that keeps messages waiting does', () => {
  const link = new LinkSpeed();
  let now = exchange(link, 4, 400_000, 40, 0);
  const wide = link.bytesPerSecond ?? 0;
  assert.ok(wide > 4_000_000);
  now = exchange(link, 50, 20_000, 50, now);
  assert.equal(link.bytesPerSecond, wide);
  assert.equal(link.hinderedAt, Number.NEGATIVE_INFINITY);
  now = exchange(link, 12, 40_000, 400, now);
  assert.ok((link.bytesPerSecond ?? wide) < 200_000);
  assert.ok(link.hinderedAt > now - 1000);
});

test('a way that has become longer is known after a while, by what is tiny; one slow answer changes nothing', () => {
  const link = new LinkSpeed();
  let now = exchange(link, 100, 500, 20, 0);
  now = exchange(link, 1, 500, 900, now);
  now = exchange(link, 600, 500, 20, now);
  assert.equal(link.wayMs, 20);
  now = exchange(link, 5, 500, 450, now);
  assert.equal(link.wayMs, 20, 'it may pass');
  now = exchange(link, 50, 500, 450, now);
  assert.equal(link.wayMs, 450);
  exchange(link, 1, 500, 30, now);
  assert.equal(link.wayMs, 30, 'shorter at once');
});

test('a slow link does not make the way longer by what it takes to carry something', () => {
  const link = new LinkSpeed();
  const now = exchange(link, 4, 100, 50, 0);
  exchange(link, 100, 4000, 450, now);
  assert.equal(link.wayMs, 50);
});

test('who did not look says nothing of the way, neither by how late it answers nor by how soon after', () => {
  const link = new LinkSpeed();
  exchange(link, 4, 500, 50, 0);
  link.looks(false, 900);
  const now = exchange(link, 30, 500, 1000, 1000);
  link.sent(500, now);
  link.looks(true, now + 60_000);
  link.acknowledged(1, now + 60_001);
  assert.equal(link.wayMs, 50);
});
