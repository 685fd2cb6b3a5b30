import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ModeChooser } from './mode-chooser.ts';

/** A link that takes so many bytes a second and so long each way, with a server behind it, on a clock of the test's own. */
class Link {
  readonly chooser = new ModeChooser();
  readonly switches: string[] = [];
  now = 1000;
  bytesPerSecond: number;
  rttMs: number;
  mode: 'stream' | 'regions' = 'stream';
  /** When the link is done with what it has been given. */
  #freeAt = 0;
  #onTheWay: number[] = [];

  constructor(bytesPerSecond: number, rttMs = 20) {
    this.bytesPerSecond = bytesPerSecond;
    this.rttMs = rttMs;
    this.chooser.choice = 'automatic';
    this.chooser.greeted(rttMs);
  }

  /** The server draws so much a second, in portions of a thirtieth; in Regions mode two fifths of it go out. */
  run(seconds: number, serverBytesPerSecond: number): void {
    const end = this.now + seconds * 1000;
    for (let step = 0; this.now < end; step++) {
      this.now += 1000 / 60;
      const bytes = step % 2 === 0 ? serverBytesPerSecond / 30 : 0;
      if (bytes > 0) {
        this.chooser.served(bytes, this.now);
        // A gateway holds the server back before there is more than this on the way.
        if (this.mode === 'stream' && this.#onTheWay.length < 40) this.#send(bytes);
        else if (this.mode === 'regions' && this.#onTheWay.length < 2 && step % 12 === 0) this.#send(bytes * 6 * 0.4);
      }
      // Now and then a letter or a pointer.
      if (step % 100 === 99 && this.#onTheWay.length === 0) this.#send(500);
      let arrived = 0;
      while ((this.#onTheWay[0] ?? Number.POSITIVE_INFINITY) <= this.now) {
        this.#onTheWay.shift();
        arrived++;
      }
      this.chooser.acknowledged(arrived, this.now);
      const wanted = this.chooser.wanted(this.now);
      if (wanted === this.mode) continue;
      this.mode = wanted;
      this.switches.push(`${wanted} ${Math.round(this.now / 1000)}`);
      this.chooser.switched(wanted, this.now);
      this.#send(wanted === 'stream' ? 300_000 : 5);
    }
  }

  #send(bytes: number): void {
    this.chooser.sent(bytes, this.now);
    this.#freeAt = Math.max(this.#freeAt, this.now) + (bytes * 1000) / this.bytesPerSecond;
    this.#onTheWay.push(this.#freeAt + this.rttMs);
  }
}

describe('ModeChooser', () => {
  it('leaves a link that takes what comes as it is, near and far', () => {
    for (const rttMs of [1, 50, 300, 900]) {
      const link = new Link(2_000_000, rttMs);
      link.run(60, 1_500_000);
      link.run(60, 20_000);
      assert.deepEqual(link.switches, [], `${rttMs} ms`);
    }
  });

  it('leaves a slow link that is enough as it is, and a short burst', () => {
    const link = new Link(100_000);
    link.run(60, 60_000);
    link.run(1, 300_000);
    link.run(60, 30_000);
    assert.deepEqual(link.switches, []);
  });

  it('goes to regions once the server has sent more than the link takes for some seconds', () => {
    const link = new Link(100_000);
    link.run(5, 50_000);
    link.run(4, 600_000);
    assert.deepEqual(link.switches, []);
    link.run(8, 600_000);
    assert.equal(link.mode, 'regions');
    link.run(600, 600_000);
    assert.equal(link.switches.length, 1, 'and stays there while the link is as it is');
  });

  it('notices while nothing is drawn at all', () => {
    const link = new Link(100_000);
    link.run(5, 50_000);
    link.bytesPerSecond = 1;
    link.run(9, 300_000);
    assert.equal(link.mode, 'regions');
  });

  it('goes back once the link has been much better than needed for a while', () => {
    const link = new Link(100_000);
    link.run(20, 600_000);
    assert.equal(link.mode, 'regions');
    link.bytesPerSecond = 500_000;
    link.run(120, 600_000);
    assert.equal(link.mode, 'regions', 'better, and not enough');
    link.bytesPerSecond = 20_000_000;
    link.run(9, 600_000);
    assert.equal(link.mode, 'regions');
    link.run(20, 600_000);
    assert.equal(link.mode, 'stream');
    link.run(300, 600_000);
    assert.equal(link.switches.length, 2);
  });

  it('does not flap on a link that comes and goes: each stay is twice as long', () => {
    const link = new Link(100_000);
    for (let minute = 0; minute < 60; minute++) {
      link.bytesPerSecond = 20_000_000;
      link.run(40, 600_000);
      link.bytesPerSecond = 100_000;
      link.run(20, 600_000);
    }
    const late = link.switches.filter((text) => Number(text.split(' ')[1]) > 1800);
    assert.ok(link.switches.length - late.length >= 6, link.switches.join(', '));
    assert.ok(late.length > 0 && late.length <= 5, link.switches.join(', '));
  });

  it('tries a link whose pictures are too small to measure it, less and less often when that was wrong', () => {
    const chooser = new ModeChooser();
    chooser.choice = 'automatic';
    let now = 0;
    const tries: number[] = [];
    chooser.switched('regions', now);
    for (; now < 1_000_000; now += 100) {
      chooser.served(20_000, now);
      chooser.sent(1000, now);
      chooser.acknowledged(1, now + 50);
      if (chooser.wanted(now + 50) !== 'stream') continue;
      tries.push(now);
      chooser.switched('stream', now);
      // It does not take what the server sends after all.
      chooser.sent(100_000, now);
      now += 10_000;
      assert.equal(chooser.wanted(now), 'regions');
      chooser.switched('regions', now);
      chooser.acknowledged(1, now);
    }
    const stays = tries.map((at, i) => Math.round((at - (tries[i - 1] ?? -10_000) - 10_000) / 1000));
    assert.deepEqual(stays, [20, 40, 80, 160, 320]);
  });

  it('does as it is told, whatever the link is like', () => {
    const slow = new Link(1000);
    slow.chooser.choice = 'stream';
    slow.run(60, 600_000);
    assert.deepEqual(slow.switches, []);
    const quick = new Link(20_000_000);
    quick.chooser.choice = 'regions';
    quick.run(60, 20_000);
    assert.equal(quick.switches.length, 1);
    quick.chooser.choice = 'stream';
    quick.run(1, 20_000);
    assert.equal(quick.mode, 'stream');
  });

  it('waits before it tries again when it could not go back', () => {
    const chooser = new ModeChooser();
    chooser.switched('regions', 0);
    assert.equal(chooser.wanted(1), 'stream');
    chooser.refused(1);
    assert.equal(chooser.wanted(2), 'regions');
    assert.equal(chooser.wanted(20_002), 'stream');
  });

  it('says nothing of a page that was hidden meanwhile', () => {
    const chooser = new ModeChooser();
    chooser.choice = 'automatic';
    chooser.sent(1000, 0);
    chooser.acknowledged(1, 20);
    chooser.sent(1000, 1000);
    assert.equal(chooser.wanted(60_000), 'regions');
    const hidden = new ModeChooser();
    hidden.choice = 'automatic';
    hidden.sent(1000, 0);
    hidden.acknowledged(1, 20);
    hidden.sent(1000, 1000);
    hidden.looks(false, 1100);
    assert.equal(hidden.wanted(60_000), 'stream');
    hidden.looks(true, 60_000);
    assert.equal(hidden.wanted(60_100), 'stream');
    assert.equal(hidden.wanted(66_000), 'regions');
  });
});
