import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { ClipboardChannel, type ClipboardOutput } from '#protocol/channels/cliprdr/clipboard-channel.ts';
import {
  decodeFileList,
  encodeFileList,
  type FileDescriptor,
  MAX_CLIPBOARD_FILES,
} from '#protocol/channels/cliprdr/file-list.ts';
import { decodeFileSize, type FileContentsRequest, MAX_CLIPBOARD_MESSAGE } from '#protocol/channels/cliprdr/pdu.ts';
import { type ClipboardNews, type TransferProgress, TunnelLimits } from '#protocol/tunnel/messages.ts';
import type { TransferDirection } from '../access/policy-rules.ts';
import { GatewayError } from '../errors.ts';
import type { FileTransferRecord } from './file-transfer.ts';
import { SessionClipboard } from './session-clipboard.ts';

const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => (at * 7) & 0xff);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const FILES = 0xc0bc;

/** A session's clipboard, between a browser and a desktop that speaks the real channel. */
class World {
  readonly records: FileTransferRecord[] = [];
  readonly progress: TransferProgress[] = [];
  readonly news: ClipboardNews[] = [];
  readonly notices: string[] = [];
  readonly atDesktop: ClipboardOutput[] = [];
  frozen = false;
  /** What the desktop answers with when it is asked for a part of a file of its own. */
  serve: (request: FileContentsRequest) => Uint8Array | undefined = () => undefined;
  /** What is in the browser's files, by the number of their list. */
  readonly browserFiles = new Map<number, Uint8Array[]>();
  described: readonly FileDescriptor[] = [];
  /** What it says that these are, where that is something else. */
  list: Uint8Array | undefined;
  readonly clipboard: SessionClipboard;
  readonly #client = new ClipboardChannel('client');
  readonly #server = new ClipboardChannel('server');

  constructor(files: TransferDirection = 'both') {
    this.clipboard = new SessionClipboard({
      terms: { clipboard: 'none', files },
      act: (action) => this.#toServer(this.#client.act(action)),
      tell: (news) => this.#tell(news),
      notice: ({ message }) => this.notices.push(message),
      inspect: () => ({ pass: true }),
      record: () => undefined,
      recordFile: (record) => this.records.push(record),
      frozen: () => this.frozen,
      release: () => undefined,
    });
    this.#toClient(this.#server.start());
  }

  /** The browser offers files with these names. */
  offer(names: readonly string[], contents: readonly Uint8Array[]): void {
    const list = this.browserFiles.size + 1;
    this.browserFiles.set(list, [...contents]);
    const files = names.map((name, index) => ({ name, index, size: contents[index]?.length ?? 0 }));
    this.clipboard.filesOffered({ list, files });
  }

  /** The desktop asks for something and gets an answer. */
  ask(action: Parameters<ClipboardChannel['act']>[0]): ClipboardOutput | undefined {
    this.atDesktop.length = 0;
    this.#toClient(this.#server.act(action));
    return this.atDesktop.at(-1);
  }

  range(index: number, position: number, length: number): Uint8Array | undefined {
    const request = { streamId: 9, index, operation: 'range', position: BigInt(position), length } as const;
    const answer = this.ask({ kind: 'request-file', request });
    assert.ok(answer?.kind === 'clipboard-file-data' && answer.streamId === 9);
    return answer.data;
  }

  /** Files are copied in the desktop. @returns what the browser is told of them */
  copy(described: readonly FileDescriptor[]) {
    this.described = described;
    this.ask({ kind: 'offer', formats: [{ id: FILES, name: 'FileGroupDescriptorW' }] });
    return this.news.findLast((news) => news.type === 'clipboard-files');
  }

  async download(index: number): Promise<Buffer> {
    const list = this.news.findLast((news) => news.type === 'clipboard-files')?.list ?? 0;
    const { stream } = await this.clipboard.download(list, index);
    return buffer(stream);
  }

  #tell(news: ClipboardNews): void {
    this.news.push(news);
    if (news.type === 'file-transfer') this.progress.push(news);
    if (news.type !== 'file-wanted') return;
    const { request, list, index, position, length } = news;
    const part = this.browserFiles.get(list)?.[index]?.subarray(position, position + length);
    if (part === undefined) this.clipboard.fileRead({ request, state: 'failed', part: new Uint8Array() });
    else {
      // In two parts, as a browser sends larger ones.
      const half = part.length >> 1;
      this.clipboard.fileRead({ request, state: 'more', part: part.subarray(0, half) });
      this.clipboard.fileRead({ request, state: 'last', part: part.subarray(half) });
    }
  }

  #toServer(messages: readonly Uint8Array[]): void {
    for (const message of messages) {
      const heard: ClipboardOutput[] = [];
      this.#toClient(this.#server.process(message, heard));
      for (const output of heard) {
        this.atDesktop.push('data' in output && output.data ? { ...output, data: output.data.slice() } : output);
        if (output.kind === 'clipboard-wanted') {
          this.#toClient(this.#server.act({ kind: 'respond', data: this.list ?? encodeFileList(this.described) }));
        } else if (output.kind === 'clipboard-file-wanted') {
          const { streamId } = output.request;
          this.#toClient(this.#server.act({ kind: 'respond-file', streamId, data: this.serve(output.request) }));
        }
      }
    }
  }

  #toClient(messages: readonly Uint8Array[]): void {
    for (const message of messages) {
      const heard: ClipboardOutput[] = [];
      // Of a longer one, no more is kept.
      this.#toServer(this.#client.process(message.subarray(0, MAX_CLIPBOARD_MESSAGE), heard));
      for (const output of heard) this.clipboard.heard(output);
    }
  }
}

describe('files to the desktop', () => {
  it('are listed with safe names, read as they are pasted, and written down with their hash', () => {
    const world = new World();
    const content = bytesOf(100_000);
    world.offer(['..\\..\\evil\\a.txt', 'CON', 'A.TXT'], [content, bytesOf(0), bytesOf(5)]);
    const formats = world.atDesktop.findLast((output) => output.kind === 'clipboard-offered')?.formats ?? [];
    const [format] = formats;
    assert.equal(format?.name, 'FileGroupDescriptorW');
    const list = world.ask({ kind: 'request', formatId: format?.id ?? 0 });
    assert.ok(list?.kind === 'clipboard-data' && list.data !== undefined);
    assert.deepEqual(
      decodeFileList(list.data).map(({ name, size }) => [name, size]),
      [
        ['a.txt', 100_000n],
        ['_CON', 0n],
        ['A (2).TXT', 5n],
      ],
    );
    const size = world.ask({
      kind: 'request-file',
      request: { streamId: 1, index: 0, operation: 'size', position: 0n, length: 8 },
    });
    assert.ok(size?.kind === 'clipboard-file-data' && size.data !== undefined);
    assert.equal(decodeFileSize(size.data), 100_000n);
    const parts = [world.range(0, 0, 65_536), world.range(0, 65_536, 65_536)];
    assert.deepEqual(Buffer.concat(parts.map((part) => part ?? new Uint8Array())), Buffer.from(content));
    assert.deepEqual(world.records, [
      { direction: 'to-desktop', name: 'a.txt', size: 100_000, bytes: 100_000, state: 'done', sha256: sha256(content) },
    ]);
    assert.deepEqual(world.range(0, 100_000, 10), new Uint8Array());
    assert.equal(world.range(0, 100_001, 10), undefined);
    assert.equal(world.range(7, 0, 10), undefined);
    world.clipboard.close();
  });

  it('pasted a second time, pass a second time', () => {
    const world = new World();
    world.offer(['a'], [bytesOf(10)]);
    world.range(0, 0, 10);
    world.range(0, 0, 10);
    assert.deepEqual(
      world.records.map(({ state }) => state),
      ['done', 'done'],
    );
    world.clipboard.close();
  });

  it('read with gaps have no hash, for nobody has seen all of them in order', () => {
    const world = new World();
    world.offer(['a'], [bytesOf(10)]);
    world.range(0, 5, 5);
    world.clipboard.close();
    assert.deepEqual(world.records, [{ direction: 'to-desktop', name: 'a', size: 10, bytes: 0, state: 'failed' }]);
  });

  it('that have changed in the browser, or cannot be read, are not given half', () => {
    const world = new World();
    world.offer(['a', 'b'], [bytesOf(10), bytesOf(10)]);
    world.browserFiles.set(1, [bytesOf(4)]);
    assert.equal(world.range(0, 0, 10), undefined);
    assert.equal(world.range(1, 0, 10), undefined);
    assert.deepEqual(
      world.records.map(({ state }) => state),
      ['failed', 'failed'],
    );
    world.clipboard.close();
  });

  it('are kept for a desktop that has locked them, until it lets go', () => {
    const world = new World();
    world.offer(['a'], [bytesOf(10)]);
    world.ask({ kind: 'lock', clipDataId: 5 });
    world.ask({ kind: 'offer', formats: [{ id: 1, name: '' }] });
    const request = { streamId: 9, index: 0, operation: 'range', position: 0n, length: 10 } as const;
    const read = (clipDataId?: number) => {
      const of = clipDataId === undefined ? {} : { clipDataId };
      const answer = world.ask({ kind: 'request-file', request: { ...request, ...of } });
      assert.ok(answer?.kind === 'clipboard-file-data');
      return answer.data?.length;
    };
    assert.equal(read(), undefined);
    assert.equal(read(5), 10);
    world.ask({ kind: 'unlock', clipDataId: 5 });
    assert.equal(read(5), undefined);
    world.clipboard.close();
  });

  it('are read to their end by a desktop that locks nothing, though something is copied there, or offered to it, meanwhile', () => {
    const world = new World();
    const contents = [bytesOf(10), bytesOf(20)];
    world.offer(['a', 'b'], contents);
    world.range(0, 0, 5);
    world.ask({ kind: 'offer', formats: [{ id: 1, name: '' }] });
    assert.deepEqual(world.range(0, 5, 2), contents[0]?.subarray(5, 7));
    // What was not begun is gone.
    assert.equal(world.range(1, 0, 10), undefined);
    world.offer(['c'], [new Uint8Array(30)]);
    assert.deepEqual(world.range(0, 7, 3), contents[0]?.subarray(7));
    assert.deepEqual(world.range(0, 0, 15), new Uint8Array(15));
    assert.deepEqual(world.range(0, 15, 15), new Uint8Array(15));
    assert.deepEqual(
      world.records.map(({ name, state, sha256: hash }) => [name, state, hash]),
      [
        ['a', 'done', sha256(contents[0] ?? new Uint8Array())],
        ['c', 'done', sha256(new Uint8Array(30))],
      ],
    );
    world.clipboard.close();
  });

  it('that the user cancels, go no further', () => {
    const world = new World();
    world.offer(['a'], [bytesOf(10)]);
    world.range(0, 0, 5);
    world.clipboard.cancelFile(world.progress[0]?.id ?? 0);
    assert.equal(world.range(0, 5, 5), undefined);
    assert.equal(world.range(0, 0, 5), undefined);
    assert.deepEqual(
      world.records.map(({ state, bytes }) => [state, bytes]),
      [['cancelled', 5]],
    );
    world.clipboard.close();
  });

  it('that no list has are refused, and the session goes on', () => {
    const world = new World();
    world.offer(['a'], [bytesOf(5)]);
    assert.deepEqual(
      [world.range(-1, 0, 5), world.range(1, 0, 5), world.range(0, 0, 5)?.length],
      [undefined, undefined, 5],
    );
    world.clipboard.close();
  });
});

describe('files from the desktop', () => {
  const entry = (name: string, size?: bigint): FileDescriptor => ({
    name,
    showProgress: false,
    ...(size === undefined ? {} : { size }),
  });

  it('are listed without folders and paths, and come over whole, with their hash written down', async () => {
    const world = new World();
    const content = bytesOf(700_000);
    world.serve = ({ index, operation, position, length }) => {
      assert.ok(index === 1 && operation === 'range' && length <= 1_048_576);
      return content.subarray(Number(position), Number(position) + length);
    };
    const told = world.copy([{ ...entry('dir'), attributes: 0x10 }, entry('dir\\naïve.bin', 700_000n)]);
    assert.ok(told?.type === 'clipboard-files');
    assert.deepEqual(told.files, [{ index: 0, name: 'naïve.bin', size: 700_000 }]);
    assert.deepEqual(await world.download(0), Buffer.from(content));
    const record = { direction: 'from-desktop', name: 'naïve.bin', size: 700_000, bytes: 700_000, state: 'done' };
    assert.deepEqual(world.records, [{ ...record, sha256: sha256(content) }]);
    world.clipboard.close();
  });

  it('are the first ones of a folder that has more than anybody looks at', () => {
    const world = new World();
    const told = world.copy(Array.from({ length: MAX_CLIPBOARD_FILES + 1 }, () => entry('a', 1n)));
    assert.ok(told?.type === 'clipboard-files');
    assert.equal(told.files.length, TunnelLimits.files);
    world.clipboard.close();
  });

  it('are none where the list cannot be read: any program may have put it there, and the session goes on', () => {
    const world = new World();
    for (const list of [Uint8Array.of(2, 0, 0, 0, 9), new Uint8Array(MAX_CLIPBOARD_MESSAGE)]) {
      world.list = list;
      assert.equal(world.copy([]), undefined);
    }
    assert.match(world.notices.join(), /no list of files that can be read.*Too many files/);
    world.list = undefined;
    assert.equal(world.copy([entry('a', 1n)])?.type, 'clipboard-files');
    world.clipboard.close();
  });

  it('of a size that is not told are asked for it', async () => {
    const world = new World();
    world.serve = ({ operation }) => (operation === 'size' ? Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0) : bytesOf(3));
    world.copy([entry('a')]);
    assert.equal((await world.download(0)).length, 3);
    world.clipboard.close();
  });

  it('are cut off where the desktop has lied about their size', async () => {
    for (const answer of [
      () => undefined,
      () => new Uint8Array(),
      ({ length }: FileContentsRequest) => bytesOf(length + 1),
    ]) {
      const world = new World();
      world.serve = answer;
      world.copy([entry('a', 10n)]);
      await assert.rejects(
        world.download(0),
        (error) => error instanceof GatewayError && error.code === 'connection_lost',
      );
      assert.deepEqual(
        world.records.map(({ state }) => state),
        ['failed'],
      );
      world.clipboard.close();
    }
  });

  it('that the user does not take, are written down as cancelled', async () => {
    const world = new World();
    world.serve = ({ length }) => bytesOf(length);
    const told = world.copy([entry('a', 100_000_000n)]);
    assert.ok(told?.type === 'clipboard-files');
    const { stream } = await world.clipboard.download(told.list, 0);
    stream.on('error', () => undefined);
    await new Promise((resolve) => stream.once('data', resolve));
    stream.destroy();
    await new Promise((resolve) => stream.once('close', resolve));
    assert.deepEqual(
      world.records.map(({ state }) => state),
      ['cancelled'],
    );
    assert.ok((world.records[0]?.bytes ?? 0) < 5_000_000, 'nobody reads far ahead of who takes it');
    world.clipboard.close();
  });

  it('that are no longer in the clipboard cannot be had', async () => {
    const world = new World();
    world.copy([entry('a', 1n)]);
    world.ask({ kind: 'offer', formats: [{ id: 13, name: '' }] });
    await assert.rejects(world.download(0), /not_found|no longer/);
    world.clipboard.close();
  });
});

for (const rule of ['none', 'to-remote', 'from-remote', 'both'] as const) {
  it(`files pass as the policy "${rule}" says`, async () => {
    const into = rule === 'both' || rule === 'to-remote';
    const out = rule === 'both' || rule === 'from-remote';
    const world = new World(rule);
    world.offer(['a'], [bytesOf(3)]);
    assert.equal(
      world.atDesktop.some((output) => output.kind === 'clipboard-offered' && output.formats.length > 0),
      into,
    );
    assert.equal(world.range(0, 0, 3) !== undefined, into);
    assert.equal(world.notices.length, into ? 0 : 1);
    world.serve = () => bytesOf(3);
    assert.equal(world.copy([{ name: 'b', size: 3n, showProgress: false }]) !== undefined, out);
    if (out) assert.equal((await world.download(0)).length, 3);
    else
      await assert.rejects(
        world.clipboard.download(1, 0),
        (error) => error instanceof GatewayError && error.code === 'forbidden',
      );
    world.clipboard.close();
  });
}

it('no file passes while the session is frozen', async () => {
  const world = new World();
  world.offer(['a'], [bytesOf(10)]);
  world.range(0, 0, 5);
  world.frozen = true;
  world.clipboard.froze();
  assert.equal(world.range(0, 5, 5), undefined);
  assert.deepEqual(
    world.records.map(({ state }) => state),
    ['failed'],
  );
  await assert.rejects(
    world.clipboard.download(1, 0),
    (error) => error instanceof GatewayError && error.code === 'conflict',
  );
  world.clipboard.close();
});
