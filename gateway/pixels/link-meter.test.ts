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
