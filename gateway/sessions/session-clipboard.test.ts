import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClipboardAction, ClipboardOutput } from '#protocol/channels/cliprdr/clipboard-channel.ts';
import { encodeClipboardText } from '#protocol/channels/cliprdr/text.ts';
import type { InputEvent } from '#protocol/pdu/input.ts';
import { type ClipboardNews, partsOfText, TunnelLimits } from '#protocol/tunnel/messages.ts';
import type { TransferDirection } from '../access/policy-rules.ts';
import { type ClipboardInspection, SessionClipboard } from './session-clipboard.ts';
import type { ClipboardTransfer } from './session-evidence.ts';

const TEXT = [{ id: 13, name: '' }];
const KEY: InputEvent = { kind: 'scancode', code: 0x2f, extended: false, down: true };
const READY: ClipboardOutput = { kind: 'clipboard-ready', files: true, locks: true, hugeFiles: true };

/** A session's clipboard, and what it did. */
class World {
  readonly actions: ClipboardAction[] = [];
  readonly news: ClipboardNews[] = [];
  readonly notices: string[] = [];
  readonly recorded: ClipboardTransfer[] = [];
  readonly released: InputEvent[] = [];
  frozen = false;
  verdict: ClipboardInspection = { pass: true };
  readonly clipboard: SessionClipboard;

  constructor(clipboard: TransferDirection, ready = true) {
    this.clipboard = new SessionClipboard({
      terms: { clipboard, files: 'none' },
      act: (action) => this.actions.push(action),
      tell: (news) => this.news.push(news),
      notice: ({ message }) => this.notices.push(message),
      inspect: () => this.verdict,
      record: (transfer) => this.recorded.push(transfer),
      recordFile: () => undefined,
      frozen: () => this.frozen,
      release: (events) => this.released.push(...events),
    });
    if (ready) this.clipboard.heard(READY);
    this.news.length = 0;
  }

  /** The browser has this text for the desktop. */
  offer(text: string): this {
    for (const part of partsOfText(text)) this.clipboard.offered(part);
    return this;
  }

  /** The desktop wants what it was offered. */
  paste(): ClipboardAction | undefined {
    this.clipboard.heard({ kind: 'clipboard-wanted', formatId: 13 });
    return this.actions.at(-1);
  }

  /** Somebody copies text in the desktop, and it gives it when it is asked. */
  copy(text: string): this {
    this.clipboard.heard({ kind: 'clipboard-offered', formats: TEXT });
    return this.give(text);
  }

  give(text: string): this {
    if (this.actions.at(-1)?.kind !== 'request') return this;
    const data = encodeClipboardText(text);
    this.clipboard.heard({ kind: 'clipboard-data', formatId: 13, data, tooLarge: false });
    return this;
  }

  close(): void {
    this.clipboard.close();
  }
}

const toDesktop = (text: string) => ({ direction: 'to-desktop', format: 'text', bytes: Buffer.byteLength(text), text });
const fromDesktop = (text: string) => ({ ...toDesktop(text), direction: 'from-desktop' });

describe('the clipboard of a session', () => {
  it('gives the desktop what the browser has, and writes it down when the desktop takes it, once', () => {
    const world = new World('both').offer('päste\nme');
    assert.deepEqual(world.actions, [{ kind: 'offer', formats: TEXT }]);
    assert.deepEqual(world.recorded, []);
    assert.deepEqual(world.paste(), { kind: 'respond', data: encodeClipboardText('päste\nme') });
    world.paste();
    assert.deepEqual(world.recorded, [toDesktop('päste\nme')]);
    world.close();
  });

  it('gives the browser what was copied in the desktop', () => {
    const world = new World('both').copy('cöpied');
    assert.deepEqual(world.news, [
      { type: 'clipboard-copied', text: true, files: false, other: false },
      { type: 'clipboard-text', text: 'cöpied' },
    ]);
    assert.deepEqual(world.recorded, [fromDesktop('cöpied')]);
    world.close();
  });

  for (const rule of ['none', 'to-remote', 'from-remote', 'both'] as const) {
    it(`lets through what the policy "${rule}" says, whatever the browser asks for`, () => {
      const into = rule === 'both' || rule === 'to-remote';
      const out = rule === 'both' || rule === 'from-remote';
      const world = new World(rule).offer('in');
      assert.equal(
        world.actions.some(({ kind }) => kind === 'offer'),
        into,
      );
      const answer = world.paste();
      assert.deepEqual(answer, { kind: 'respond', data: into ? encodeClipboardText('in') : undefined });
      assert.equal(world.notices.length, into ? 0 : 1);
      assert.deepEqual(
        world.recorded.map(({ refused }) => refused),
        [into ? undefined : 'policy'],
      );
      world.copy('out');
      assert.equal(
        world.actions.some(({ kind }) => kind === 'request'),
        out,
      );
      assert.equal(
        world.news.some(({ type }) => type === 'clipboard-text'),
        out,
      );
      // Unasked, a hostile server's data goes nowhere either.
      world.clipboard.heard({
        kind: 'clipboard-data',
        formatId: 13,
        data: encodeClipboardText('pushed'),
        tooLarge: false,
      });
      assert.equal(JSON.stringify(world.news).includes('pushed'), out);
      assert.equal(world.clipboard.wanted, rule !== 'none');
      world.close();
    });
  }

  it('tells of what is too large, and passes none of it', () => {
    const large = 'x'.repeat(TunnelLimits.clipboardTextBytes + 1);
    const world = new World('both').offer(large);
    assert.equal(world.actions.length, 0);
    world.copy(large);
    world.clipboard.heard({ kind: 'clipboard-data', formatId: 13, data: undefined, tooLarge: true });
    assert.ok(!world.news.some(({ type }) => type === 'clipboard-text'));
    assert.deepEqual(
      world.recorded.map(({ refused }) => refused),
      ['size', 'size', 'size'],
    );
    assert.match(world.notices[0] ?? '', /not copied to the desktop: it is larger than 1 MB/);
    // Just as much as is allowed passes.
    world.offer(large.slice(1));
    assert.equal(world.actions.at(-1)?.kind, 'offer');
    world.close();
  });

  it('holds back what is typed until the desktop has taken the offer, and no longer', () => {
    const world = new World('both');
    assert.equal(world.clipboard.holds([KEY]), false);
    world.offer('first');
    assert.equal(world.clipboard.holds([KEY]), true);
    assert.deepEqual(world.released, []);
    world.clipboard.heard({ kind: 'clipboard-taken', ok: true });
    assert.deepEqual(world.released, [KEY]);
    assert.equal(world.clipboard.holds([KEY]), false);
    world.close();
  });

  it('lets input go on where a desktop never answers', async () => {
    const world = new World('both').offer('first');
    world.clipboard.holds([KEY]);
    await new Promise((resolve) => setTimeout(resolve, 700));
    assert.deepEqual(world.released, [KEY]);
    world.close();
  });

  it('is held back while the session is frozen; what was copied meanwhile comes afterwards', () => {
    const world = new World('both').offer('before');
    world.frozen = true;
    world.clipboard.holds([KEY]);
    world.clipboard.froze();
    assert.deepEqual(world.paste(), { kind: 'respond', data: undefined });
    world.offer('meanwhile').copy('there');
    assert.ok(!world.actions.some(({ kind }) => kind === 'request'));
    assert.deepEqual(
      world.recorded.map(({ refused }) => refused),
      ['frozen'],
    );
    world.frozen = false;
    world.clipboard.thawed();
    world.give('there');
    assert.deepEqual(world.news.at(-1), { type: 'clipboard-text', text: 'there' });
    assert.deepEqual(world.released, []);
    world.close();
  });

  it('passes nothing that a rule forbids', () => {
    const world = new World('both');
    let acted = 0;
    world.verdict = { pass: false, act: () => acted++ };
    world.offer('secret');
    assert.deepEqual(world.paste(), { kind: 'respond', data: undefined });
    assert.deepEqual(world.paste(), { kind: 'respond', data: undefined });
    world.copy('secret');
    assert.ok(!world.news.some(({ type }) => type === 'clipboard-text'));
    assert.deepEqual(
      world.recorded.map(({ refused }) => refused),
      ['rule', 'rule'],
    );
    assert.equal(acted, 2);
    world.close();
  });

  it('offers again to a desktop that was lost and is back, or that was not ready yet', () => {
    const world = new World('both', false).offer('early');
    assert.deepEqual(world.actions, []);
    world.clipboard.heard(READY);
    assert.deepEqual(world.actions.splice(0), [{ kind: 'offer', formats: TEXT }]);
    world.clipboard.lost();
    assert.deepEqual(world.news.at(-1), {
      ...{ type: 'clipboard-terms', available: false, textToDesktop: true, textFromDesktop: true },
      ...{ filesToDesktop: false, filesFromDesktop: false },
    });
    world.clipboard.heard(READY);
    assert.deepEqual(world.actions, [{ kind: 'offer', formats: TEXT }]);
    world.close();
  });

  it('gives nothing of the browser any more once something was copied in the desktop', () => {
    const world = new World('both').offer('ours').copy('theirs');
    assert.deepEqual(world.paste(), { kind: 'respond', data: undefined });
    world.close();
  });
});
