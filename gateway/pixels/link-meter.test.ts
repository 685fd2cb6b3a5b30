import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LinkMeter } from './link-meter.ts';

function send(meter: LinkMeter, seq: number, bytes: number, ms: number): void {
  meter.sent(seq, bytes, seq * 1000);
  meter.acknowledged(seq, seq * 1000 + ms);
}

test('a link on which large messages take long is thin, until they have become quick for a while', () => {
  const meter = new LinkMeter();
  assert.equal(meter.isThin, false);
  send(meter, 1, 100_000, 1000);
  assert.equal(meter.isThin, true);
  send(meter, 2, 100_000, 300);
  assert.equal(meter.isThin, true);
  for (let seq = 3; seq < 8; seq++) send(meter, seq, 100_000, 100);
  assert.equal(meter.isThin, false);
});

test('small messages and unknown acknowledgements say nothing', () => {
  const meter = new LinkMeter();
  send(meter, 1, 1000, 5000);
  meter.acknowledged(7, 100_000);
  assert.equal(meter.isThin, false);
});

test('messages that are acknowledged together count together', () => {
  const meter = new LinkMeter();
  meter.sent(1, 20_000, 0);
  meter.sent(2, 20_000, 10);
  meter.acknowledged(2, 400);
  assert.equal(meter.isThin, true);
});

test('where nothing is known, one picture is drawn while the next one comes', () => {
  const meter = new LinkMeter();
  assert.equal(meter.readyAt(0), Number.NEGATIVE_INFINITY);
  meter.sent(1, 50_000, 0);
  assert.equal(meter.readyAt(0), Number.NEGATIVE_INFINITY);
  meter.sent(2, 50_000, 0);
  assert.equal(meter.readyAt(10_000), undefined);
});

test('on a slow link a picture is begun when the one before is nearly through, not to wait behind it', () => {
  const meter = new LinkMeter();
  for (let seq = 1; seq <= 10; seq++) send(meter, seq, 100_000, 1000);
  meter.sent(11, 50_000, 20_000);
  const readyAt = meter.readyAt(20_000) ?? 0;
  assert.ok(readyAt > 20_300 && readyAt < 20_600, `${readyAt}`);
  assert.equal(meter.readyAt(22_000), undefined, 'it is slower than it was');
});

test('on a long link there are as many pictures under way as it takes for them to follow one another', () => {
  const meter = new LinkMeter();
  send(meter, 1, 100, 300);
  for (let seq = 2; seq <= 10; seq++) send(meter, seq, 400_000, 340);
  for (let seq = 11; seq <= 17; seq++) {
    const at = 20_000 + (seq - 11) * 50;
    const readyAt = meter.readyAt(at);
    assert.ok(readyAt !== undefined && readyAt <= at, `${seq - 11} under way`);
    meter.sent(seq, 10_000, at);
  }
});
