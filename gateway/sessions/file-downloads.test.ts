import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FileContentsRequest } from '#protocol/channels/cliprdr/pdu.ts';
import { FileDownloads } from './file-downloads.ts';

/** A desktop that answers when the test says so. */
class Desktop {
  readonly asked: FileContentsRequest[] = [];
  readonly unlocked: number[] = [];
  readonly downloads = new FileDownloads({
    events: { progress: () => {}, record: () => {} },
    ask: (request) => this.asked.push(request),
    lock: () => {},
    unlock: (id) => this.unlocked.push(id),
    nextId: () => 1,
  });

  /** A list of files whose sizes have to be asked for. @returns its number */
  offer(files: number): number {
    const described = Array.from({ length: files }, (_, index) => ({ name: `file ${index}`, showProgress: false }));
    return this.downloads.offered(described, true).list;
  }

  /** Says how large the files are that were asked for. */
  answerSizes(): void {
    const size = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);
    for (const { streamId } of this.asked.splice(0)) this.downloads.answered(streamId, size);
  }
}

describe('files from the desktop', () => {
  it('are four at a time, also while the desktop has yet to say how large they are', async () => {
    const desktop = new Desktop();
    const list = desktop.offer(6);
    const first = [0, 1, 2, 3].map((index) => desktop.downloads.open(list, index));
    await assert.rejects(desktop.downloads.open(list, 4), { code: 'too_many_requests' });
    desktop.answerSizes();
    const files = await Promise.all(first);
    await assert.rejects(desktop.downloads.open(list, 5), { code: 'too_many_requests' });
    for (const { stream } of files) stream.destroy();
  });

  it('give their place back where the desktop does not say', async () => {
    const desktop = new Desktop();
    const list = desktop.offer(5);
    const first = [0, 1, 2, 3].map((index) => desktop.downloads.open(list, index));
    desktop.downloads.stop();
    for (const opening of first) await assert.rejects(opening, { code: 'connection_lost' });
    desktop.asked.length = 0;
    const opening = desktop.downloads.open(list, 4);
    desktop.answerSizes();
    (await opening).stream.destroy();
  });

  it('are not let go of in the desktop while one of them is asked for', async () => {
    const desktop = new Desktop();
    const list = desktop.offer(1);
    const opening = desktop.downloads.open(list, 0);
    desktop.downloads.withdraw();
    assert.deepEqual(desktop.unlocked, []);
    desktop.answerSizes();
    const { stream } = await opening;
    const closed = new Promise((resolve) => stream.once('close', resolve));
    stream.destroy();
    await closed;
    assert.deepEqual(desktop.unlocked, [list]);
  });
});
