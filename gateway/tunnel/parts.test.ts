import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeGatewayMessage, encodeGatewayMessage, encodeGraphics } from '#protocol/tunnel/messages.ts';
import type { PixelOwner } from '../sessions/ports.ts';
import type { TunnelConnection } from './connection.ts';
import { GraphicsBatch } from './graphics-batch.ts';
import { HOLD_BYTES, OwnerConnection } from './owner-connection.ts';
import { TICKET_LIFE_MS, Tickets } from './tickets.ts';

test('a batch is the message that encodeGraphics writes', () => {
  const batch = new GraphicsBatch();
  for (const sizes of [[0], [3, 5], [100_000], [1, 70_000, 2], [10]]) {
    const updates = sizes.map((size, i) => ({
      code: i,
      data: Uint8Array.from({ length: size }, (_, at) => at & 0xff),
    }));
    for (const update of updates) batch.add(update);
    assert.deepEqual(Uint8Array.from(batch.take(7).message), encodeGraphics(7, updates));
    assert.equal(batch.empty, true);
  }
});

test('a batch is full by bytes and by count', () => {
  const byBytes = new GraphicsBatch();
  byBytes.add({ code: 1, data: new Uint8Array(600_000) });
  assert.equal(byBytes.full, true);
  const byCount = new GraphicsBatch();
  for (let i = 0; !byCount.full; i++) {
    assert.ok(i < 16_384);
    byCount.add({ code: 1, data: new Uint8Array(0) });
  }
  assert.throws(() => byCount.add({ code: 1, data: new Uint8Array(65 * 1024 * 1024) }), RangeError);
});

/** An owner over a socket that the test looks into. */
function owner(clock?: () => number) {
  const sent: Uint8Array[] = [];
  const held: boolean[] = [];
  const drawn: [number, number][] = [];
  const ended: string[] = [];
  const host = { said: [] as string[], owner: undefined as PixelOwner | undefined };
  const connection = {
    bufferedBytes: 0,
    sendBytes: (bytes: Uint8Array) => sent.push(bytes),
    sendInPlace: (bytes: Uint8Array) => sent.push(bytes),
    send: (message: { type: string }) => sent.push(Buffer.from(message.type)),
    end: (end: { code: string }) => ended.push(end.code),
    endWith: (code: string) => ended.push(code),
  };
  const made = new OwnerConnection(
    connection as unknown as TunnelConnection,
    {
      drawn: (updates, behindBytes) => drawn.push([updates, behindBytes]),
      holdBack: (hold) => held.push(hold),
      watch: (viewer) => {
        host.owner = viewer;
        return {
          acknowledge: (seq) => host.said.push(`ack ${seq}`),
          takeState: () => host.said.push('take state'),
          close: () => host.said.push('close'),
        };
      },
    },
    clock,
  );
  return { owner: made, sent, held, drawn, ended, connection, host };
}
test('what comes in one turn goes out as one message, and before what is said after it', async () => {
  const { owner: browser, sent } = owner();
  browser.graphics({ code: 1, data: new Uint8Array(1) });
  browser.graphics({ code: 2, data: new Uint8Array(2) });
  assert.equal(sent.length, 0);
  browser.settled();
  assert.equal(sent.length, 1);
  browser.graphics({ code: 3, data: new Uint8Array(3) });
  browser.phase('x');
  assert.deepEqual(
    sent.map((bytes) => bytes[0]),
    [0x10, 0x10, 'phase'.charCodeAt(0)],
  );
  assert.equal(browser.bytesSent, 5 + 6 + 7 + 5 + 8);
});

test('held back above one mark, let go below the other', async () => {
  const { owner: browser, held } = owner();
  const chunk = new Uint8Array(HOLD_BYTES / 4);
  let sent = 0;
  for (; held.length === 0; sent++) {
    browser.graphics({ code: 1, data: chunk });
    browser.settled();
    assert.ok(sent * chunk.length <= HOLD_BYTES);
  }
  assert.deepEqual(held, [true]);
  browser.acknowledge(1);
  assert.deepEqual(held, [true], 'still above the lower mark');
  browser.acknowledge(1); // said before
  browser.acknowledge(0);
  browser.acknowledge(sent + 1); // never sent
  assert.deepEqual(held, [true]);
  browser.acknowledge(sent - 1);
  assert.deepEqual(held, [true, false]);
});

test('how far the browser is: updates that it has drawn, bytes that it has not', async () => {
  const { owner: browser, drawn } = owner();
  for (const updates of [1, 8, 9]) {
    for (let i = 0; i < updates; i++) browser.graphics({ code: 1, data: new Uint8Array(10) });
    browser.settled();
  }
  browser.acknowledge(2);
  browser.acknowledge(2); // said before
  browser.acknowledge(3);
  assert.deepEqual(drawn, [
    [9, 1 + 4 + 9 * 15],
    [18, 0],
  ]);
});

test('a browser is asked to acknowledge the first message, and then every so many messages, updates and bytes', async () => {
  let now = 0;
  const { owner: browser, sent, drawn } = owner(() => now);
  const asked: number[] = [];
  const send = async (updates: number, size: number) => {
    for (let i = 0; i < updates; i++) browser.graphics({ code: 1, data: new Uint8Array(size) });
    browser.settled();
    const message = decodeGatewayMessage(sent.at(-1)!);
    asked.push(message.type === 'graphics' ? message.seq : -1);
  };
  for (let i = 0; i < 6; i++) await send(1, 10);
  assert.deepEqual(asked.splice(0), [1, 0, 0, 0, 2, 0], 'a letter');
  await send(8, 10);
  await send(5, 10);
  await send(3, 10);
  assert.deepEqual(asked.splice(0), [3, 0, 4], 'many updates, which may each be a frame');
  await send(1, 40_000);
  await send(1, 40_000);
  await send(1, 70_000);
  assert.deepEqual(asked.splice(0), [0, 5, 6], 'much to draw');
  for (let i = 0; i < 9; i++) {
    now += 200;
    await send(1, 10);
  }
  assert.deepEqual(asked.splice(0), [0, 0, 0, 0, 0, 0, 0, 7, 0], 'a letter now and then');
  browser.acknowledge(0);
  assert.deepEqual(drawn, [], 'what was not asked is no answer');
  browser.acknowledge(2);
  assert.deepEqual(drawn.at(-1)?.[0], 5, 'with all before it');
});

test('a browser that answers soon is asked once in a tenth of a second, unless there is much to draw; one that does not, as others', () => {
  let now = 0;
  const { owner: browser, sent } = owner(() => now);
  const send = (size: number) => {
    browser.graphics({ code: 1, data: new Uint8Array(size) });
    browser.settled();
    const message = decodeGatewayMessage(sent.at(-1)!);
    return message.type === 'graphics' ? message.seq : -1;
  };
  /** Thirty frames a second, each question answered after so long. */
  const play = (frames: number, size: number, answerMs: number) => {
    const asked: number[] = [];
    const answers: { readonly at: number; readonly seq: number }[] = [];
    for (let frame = 0; frame < frames; frame++, now += 33) {
      while (answers.length > 0 && answers[0]!.at <= now) browser.acknowledge(answers.shift()!.seq);
      const seq = send(size);
      if (seq !== 0) answers.push({ at: now + answerMs, seq });
      asked.push(seq);
    }
    for (const { at, seq } of answers) {
      now = Math.max(now, at);
      browser.acknowledge(seq);
    }
    return asked;
  };
  assert.deepEqual(play(10, 50_000, 20), [1, 0, 0, 0, 2, 0, 0, 0, 3, 0]);
  now += 1000;
  assert.deepEqual(play(8, 150_000, 20), [4, 0, 5, 0, 6, 0, 7, 0]);
  now += 1000;
  assert.deepEqual(play(9, 50_000, 150), [8, 0, 0, 0, 9, 0, 10, 0, 11], 'a way that has become long');
});

test('a browser that answers soon is asked once in eight seconds while somebody types: what is small and slow is taken to be drawn', () => {
  let now = 0;
  const { owner: browser, sent, drawn } = owner(() => now);
  /** So many letters, so far apart. @returns when the browser was asked, each time after so many updates */
  const type = (letters: number, everyMs: number, { size = 300, answerMs = 20 } = {}) => {
    const asked: number[] = [];
    for (let i = 0; i < letters; i++, now += everyMs) {
      browser.graphics({ code: 1, data: new Uint8Array(size) });
      browser.settled();
      const message = decodeGatewayMessage(sent.at(-1)!);
      if (message.type !== 'graphics' || message.seq === 0) continue;
      asked.push(i);
      now += answerMs;
      browser.acknowledge(message.seq);
      now -= answerMs;
    }
    return asked;
  };
  // Five a second.
  assert.deepEqual(type(100, 200), [0, 40, 80]);
  const reported = drawn.map(([updates]) => updates);
  assert.deepEqual(
    reported,
    [1, 9, 17, 25, 33, 41, 49, 57, 65, 73, 81, 89, 97],
    'the server is never further ahead than before',
  );
  // A clock's.
  now += 10_000;
  assert.deepEqual(type(25, 1000), [4, 12, 20]);
  // Much in each, in motion, and over a way that has become long.
  now += 10_000;
  assert.deepEqual(type(21, 200, { size: 10_000 }), [3, 10, 17]);
  now += 10_000;
  assert.deepEqual(type(20, 33), [4, 8, 12, 16]);
  now += 10_000;
  assert.deepEqual(type(33, 200, { answerMs: 150 }), [4, 12, 20, 28]);
});

test('a link that stops while somebody types is noticed within eight seconds and its delay, and goes to regions then', () => {
  let now = 0;
  const { owner: browser, sent, held, drawn } = owner(() => now);
  let stopped = false;
  const letter = () => {
    browser.graphics({ code: 1, data: new Uint8Array(300) });
    browser.settled();
    const message = decodeGatewayMessage(sent.at(-1)!);
    if (!stopped && message.type === 'graphics' && message.seq !== 0) browser.acknowledge(message.seq);
    now += 200;
  };
  browser.choose('automatic');
  for (let i = 0; i < 42; i++) letter();
  const [stoppedAt, known] = [now, drawn.length];
  stopped = true;
  while (held.length === 0 && now < 60_000) letter();
  assert.ok(now - stoppedAt <= 8000 + 2000, `held back after ${now - stoppedAt} ms`);
  const letters = now / 200;
  assert.ok(
    (drawn.at(-1)?.[0] ?? 0) < letters && drawn.length - known <= 5,
    'nothing is taken to be drawn once it was asked',
  );
  while (!browser.needsPixels && now < 60_000) letter();
  assert.ok(now - stoppedAt <= 8000 + 6000, `regions after ${now - stoppedAt} ms`);
});

test('a browser that draws nothing of what it was sent for ten seconds is blind, and one that draws too little of it for thirty', () => {
  let now = 0;
  const { owner: browser } = owner(() => now);
  const send = () => {
    browser.graphics({ code: 1, data: new Uint8Array(100_000) });
    browser.settled();
  };
  now += 60_000;
  assert.equal(browser.isBlind, false, 'nothing was sent');
  send();
  now += 10_000;
  assert.equal(browser.isBlind, false);
  now += 1;
  assert.equal(browser.isBlind, true);
  browser.acknowledge(1);
  assert.equal(browser.isBlind, false);
  // One of many each nine seconds.
  now += 60_000;
  for (let i = 0; i < 10; i++) send();
  const seen: boolean[] = [];
  for (let seq = 2; seq <= 6; seq++) {
    now += 9000;
    browser.acknowledge(seq);
    seen.push(browser.isBlind);
  }
  assert.deepEqual(seen, [false, false, false, true, true]);
  browser.acknowledge(11);
  assert.equal(browser.isBlind, false);
});

test('a browser that acknowledges what it does not read is let go', async () => {
  const { owner: browser, ended, connection, sent } = owner();
  connection.bufferedBytes = 33 * 1024 * 1024;
  browser.graphics({ code: 1, data: new Uint8Array(1) });
  browser.settled();
  assert.deepEqual(ended, ['viewer_too_slow']);
  assert.equal(sent.length, 0);
});

test('to regions and back: one numbering, updates that wait, and nothing lost when there is no way back', async () => {
  const { owner: browser, sent, held, drawn, host } = owner();
  const update = { code: 1, data: new Uint8Array(10) };
  const regions = (seq: number) => encodeGatewayMessage({ type: 'regions', seq, regions: [] });
  browser.graphics(update);
  browser.choose('regions');
  browser.graphics(update);
  browser.settled();
  const kinds = () => sent.map((bytes) => [bytes[0], bytes[1]]);
  assert.deepEqual(kinds(), [
    [0x10, 1],
    [0x16, 2],
  ]);
  assert.equal(browser.needsPixels, true);
  host.owner?.send(regions(1), 2);
  browser.acknowledge(2);
  assert.deepEqual(host.said, [], 'what the host did not number it does not hear of');
  browser.acknowledge(3);
  assert.deepEqual(host.said.splice(0), ['ack 1']);
  assert.deepEqual(drawn.at(-1), [2, 0]);
  browser.graphics(update);
  host.owner?.shows(3);
  assert.deepEqual(drawn.at(-1), [3, 0]);

  browser.choose('stream');
  assert.deepEqual(host.said.splice(0), ['take state']);
  for (let i = 0; held.length === 0; i++) {
    assert.ok(i * 100_000 < 2 * HOLD_BYTES);
    browser.graphics({ code: 1, data: new Uint8Array(100_000) });
  }
  host.owner?.send(regions(2), 3);
  browser.acknowledge(4);
  assert.deepEqual(host.said.splice(0), ['ack 2']);
  assert.deepEqual(held, [true], 'that regions are drawn makes no room for what waits');
  host.owner?.send(regions(3), 3);
  host.owner?.state(undefined);
  assert.deepEqual(held, [true, false]);
  assert.deepEqual(kinds().slice(2), [
    [0x11, 3],
    [0x11, 4],
    [0x11, 5],
  ]);

  // It is not tried again at once.
  browser.acknowledge(5);
  assert.deepEqual(host.said.splice(0), ['ack 3']);
});

test('the updates that came while the way back was being made follow it, in order', async () => {
  const { owner: browser, sent, host } = owner();
  browser.choose('regions');
  browser.choose('stream');
  for (let i = 0; i < 12; i++) browser.graphics({ code: i, data: new Uint8Array(100_000) });
  browser.settled();
  assert.equal(sent.length, 1);
  host.owner?.state({ size: 5, state: Uint8Array.of(1, 2) });
  assert.deepEqual(host.said, ['take state', 'close']);
  assert.equal(browser.needsPixels, false);
  const messages = sent.map((bytes) => decodeGatewayMessage(bytes));
  assert.deepEqual(
    messages.map((message) => 'seq' in message && message.seq),
    messages.map((_, i) => i + 1),
  );
  assert.equal(messages[1]?.type, 'mode');
  const codes = messages.flatMap((message) =>
    message.type === 'graphics' ? message.updates.map(({ code }) => code) : [],
  );
  assert.deepEqual(codes, [...Array(12).keys()]);
});

test('a ticket expires, and is not good for another gateway', async () => {
  let now = 1_800_000_000_000;
  const tickets = new Tickets(() => now);
  const ticket = {
    sessionId: 's',
    role: 'shadow',
    user: { id: 'u', username: 'jane' },
    signIn: 'ref',
    signInEndsAt: 7,
  } as const;
  assert.deepEqual(await tickets.redeem(await tickets.issue(ticket)), ticket);
  const late = await tickets.issue(ticket);
  const other = await new Tickets(() => now).issue(ticket);
  await assert.rejects(tickets.redeem(other), { code: 'ticket_invalid' });
  now += TICKET_LIFE_MS + 1000;
  await assert.rejects(tickets.redeem(late), { code: 'ticket_invalid' });
});

test('a browser that has not drawn for a while is behind, however little that is; a long way is no delay', async () => {
  let now = 0;
  const { owner: browser, held } = owner(() => now);
  now = 300;
  browser.choose('automatic');
  const send = async () => {
    browser.graphics({ code: 1, data: new Uint8Array(1000) });
    browser.settled();
  };
  await send();
  now += 600;
  await send();
  assert.deepEqual(held, [], 'the way alone takes 300 ms');
  now += 200;
  for (let i = 0; i < 4; i++) await send();
  assert.deepEqual(held, [true]);
  browser.acknowledge(1);
  assert.deepEqual(held, [true, false]);
});
