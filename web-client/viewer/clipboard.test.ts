import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClipboardTerms } from '#protocol/tunnel/messages.ts';
import { TunnelLimits } from '#protocol/tunnel/messages.ts';
import { Clipboard } from './clipboard.ts';

const ALL: ClipboardTerms = {
  ...{ available: true, textToDesktop: true, textFromDesktop: true },
  ...{ filesToDesktop: true, filesFromDesktop: true },
};
const TEXT = { type: 'clipboard-copied', text: true, files: false, other: false } as const;

/** A viewer's clipboard, with a browser whose own clipboard the test is. */
class Fake {
  /** What the browser's clipboard holds, and whether the page may read or write it. */
  text = '';
  mayRead = false;
  mayWrite = true;
  readonly offered: string[] = [];
  readonly notices: string[] = [];
  /** What was read of files. */
  readonly answers: string[] = [];
  readonly clipboard = new Clipboard({
    local: {
      write: async (text) => {
        if (!this.mayWrite) throw new Error('refused');
        this.text = text;
      },
      read: async () => (this.mayRead ? this.text : undefined),
    },
    offer: (text) => this.offered.push(text),
    offerFiles: ({ files }) => this.offered.push(...files.map(({ name }) => `file ${name}`)),
    answerFile: (request, data) => this.answers.push(`${request} ${data?.byteLength}`),
    cancelFile: (id) => this.answers.push(`cancel ${id}`),
    notice: ({ message }) => this.notices.push(message),
    changed: () => undefined,
  });

  constructor(terms: ClipboardTerms = ALL) {
    this.clipboard.heard({ type: 'clipboard-terms', ...terms });
  }

  /** The user copies this text outside of the page. */
  copyElsewhere(text: string): void {
    this.clipboard.left();
    this.text = text;
    this.clipboard.came();
  }

  /** Somebody copies in the desktop. */
  async copyThere(text: string): Promise<void> {
    this.clipboard.heard(TEXT);
    this.clipboard.heard({ type: 'clipboard-text', text });
    await settled();
  }

  paste(): void {
    this.clipboard.pasted(pastedData({ 'text/plain': this.text }));
  }
}

/** What a browser says of its clipboard in a paste event. */
function pastedData(texts: Readonly<Record<string, string>>, files: readonly File[] = []) {
  const types = [...Object.keys(texts), ...(files.length > 0 ? ['Files'] : [])];
  return { types, files, getData: (type: string) => texts[type] ?? '' };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('what is pasted is offered to the desktop first, once', () => {
  const fake = new Fake();
  fake.copyElsewhere('one');
  fake.paste();
  fake.paste();
  assert.deepEqual(fake.offered, ['one']);
  fake.copyElsewhere('two');
  fake.paste();
  assert.deepEqual(fake.offered, ['one', 'two']);
});

test('what was copied in the desktop comes to the browser, and is not sent back', async () => {
  const fake = new Fake();
  await fake.copyThere('there');
  assert.equal(fake.text, 'there');
  const { terms, copied, waiting } = fake.clipboard.state;
  assert.deepEqual({ terms, copied, waiting }, { terms: ALL, copied: 'there', waiting: false });
  fake.paste();
  fake.copyElsewhere('there');
  fake.paste();
  assert.deepEqual(fake.offered, []);
});

test('a browser that refuses is asked again when the user comes back or does something', async () => {
  const fake = new Fake();
  fake.text = 'old';
  fake.mayWrite = false;
  await fake.copyThere('there');
  assert.equal(fake.clipboard.state.waiting, true);
  // What the desktop has is newer than what the browser still holds.
  fake.paste();
  assert.deepEqual(fake.offered, []);
  fake.mayWrite = true;
  fake.clipboard.acted();
  await settled();
  assert.deepEqual([fake.text, fake.clipboard.state.waiting], ['there', false]);
});

test('what the browser refused is not written over what was copied in the desktop since', async () => {
  const fake = new Fake();
  fake.mayWrite = false;
  await fake.copyThere('first');
  fake.clipboard.heard({ ...TEXT, text: false, other: true });
  fake.mayWrite = true;
  fake.clipboard.acted();
  await settled();
  assert.deepEqual([fake.text, fake.clipboard.state.copied], ['', undefined]);
});

test('what the browser refused is not written over what was copied on the page since', async () => {
  const fake = new Fake();
  fake.mayWrite = false;
  await fake.copyThere('there');
  fake.text = 'from the page';
  fake.clipboard.copiedHere();
  fake.mayWrite = true;
  fake.clipboard.acted();
  await settled();
  assert.equal(fake.text, 'from the page');
  fake.paste();
  assert.deepEqual(fake.offered, ['from the page']);
});

test('a picture copied in the desktop is what is pasted there, not the text of the browser', () => {
  const fake = new Fake();
  fake.copyElsewhere('text');
  fake.clipboard.heard({ ...TEXT, text: false, other: true });
  fake.paste();
  assert.deepEqual(fake.offered, []);
  fake.copyElsewhere('newer text');
  fake.paste();
  assert.deepEqual(fake.offered, ['newer text']);
});

test('with permission, what was copied elsewhere is there before anybody pastes', async () => {
  const fake = new Fake();
  fake.mayRead = true;
  fake.copyElsewhere('menu');
  await settled();
  assert.deepEqual(fake.offered, ['menu']);
});

test('nothing is offered where the policy forbids it, and the user is told once for each text', () => {
  const fake = new Fake({ ...ALL, textToDesktop: false });
  fake.copyElsewhere('secret');
  fake.paste();
  fake.paste();
  assert.deepEqual(fake.offered, []);
  assert.deepEqual(fake.notices, ['Copying to the desktop is not allowed here.']);
});

test('too large a text is not sent at all', () => {
  const fake = new Fake();
  // Two bytes each in UTF-8.
  assert.equal(fake.clipboard.give('ä'.repeat(TunnelLimits.clipboardTextBytes / 2 + 1)), false);
  assert.equal(fake.clipboard.give('ä'.repeat(TunnelLimits.clipboardTextBytes / 2)), true);
  assert.equal(fake.offered.length, 1);
  assert.match(fake.notices[0] ?? '', /larger than 1 MB/);
});

test('a desktop without a clipboard is offered nothing', () => {
  const fake = new Fake({ ...ALL, available: false });
  fake.copyElsewhere('text');
  fake.paste();
  assert.deepEqual([fake.offered, fake.notices], [[], []]);
});

test('files are offered by name, and read when they are asked for', async () => {
  const fake = new Fake();
  assert.equal(fake.clipboard.giveFiles([new File(['12345'], 'a.txt')]), true);
  assert.deepEqual(fake.offered, ['file a.txt']);
  fake.clipboard.heard({ type: 'file-wanted', request: 7, list: 1, index: 0, position: 2, length: 3 });
  fake.clipboard.heard({ type: 'file-wanted', request: 8, list: 1, index: 9, position: 0, length: 3 });
  while (fake.answers.length < 2) await settled();
  assert.deepEqual(fake.answers.sort(), ['7 3', '8 undefined']);
});

test('what was given by hand is what is pasted, not the text that the browser still holds', () => {
  const fake = new Fake();
  fake.text = 'older';
  fake.clipboard.give('by hand');
  fake.paste();
  fake.clipboard.giveFiles([new File([], 'a')]);
  fake.paste();
  assert.deepEqual(fake.offered, ['by hand', 'file a']);
  fake.copyElsewhere('newer');
  fake.paste();
  assert.equal(fake.offered.at(-1), 'newer');
});

test('cells of a spreadsheet are pasted as the text that they are, not as the picture beside it', () => {
  const fake = new Fake();
  const picture = [new File(['png'], 'image.png', { type: 'image/png' })];
  fake.clipboard.pasted(pastedData({ 'text/plain': 'A1\tB1', 'text/html': '<table></table>' }, picture));
  assert.deepEqual(fake.offered, ['A1\tB1']);
});

test('files of a file manager, whose names come as text, and pictures are pasted as files', () => {
  const fake = new Fake();
  fake.clipboard.pasted(pastedData({ 'text/plain': 'a.txt' }, [new File([], 'a.txt')]));
  fake.clipboard.pasted(pastedData({ 'text/html': '<img>' }, [new File([], 'image.png')]));
  assert.deepEqual(fake.offered, ['file a.txt', 'file image.png']);
});

test('a text that is copied again after files is pasted again', () => {
  const fake = new Fake();
  fake.copyElsewhere('text');
  fake.paste();
  fake.clipboard.left();
  fake.clipboard.pasted(pastedData({}, [new File([], 'a')]));
  fake.copyElsewhere('text');
  fake.paste();
  assert.deepEqual(fake.offered, ['text', 'file a', 'text']);
});

test('files are given again with each paste, until something is copied in the desktop or given to it', () => {
  const fake = new Fake();
  const paste = () => fake.clipboard.pasted(pastedData({}, [new File([], 'a')]));
  paste();
  paste();
  assert.deepEqual(fake.offered.splice(0), ['file a', 'file a']);
  fake.clipboard.heard({ ...TEXT, text: false, other: true });
  paste();
  assert.deepEqual(fake.offered, []);
  fake.clipboard.left();
  paste();
  assert.deepEqual(fake.offered.splice(0), ['file a']);
  fake.clipboard.giveFiles([new File([], 'dropped')]);
  paste();
  assert.deepEqual(fake.offered, ['file dropped']);
});

test('files are refused where the policy forbids them, and too many are', () => {
  const fake = new Fake({ ...ALL, filesToDesktop: false });
  assert.equal(fake.clipboard.giveFiles([new File([], 'a')]), false);
  const other = new Fake();
  assert.equal(other.clipboard.giveFiles(Array.from({ length: 61 }, () => new File([], 'a'))), false);
  assert.deepEqual(
    [...fake.notices, ...other.notices],
    ['Copying files to the desktop is not allowed here.', 'At most 60 files are copied at once.'],
  );
  assert.deepEqual([fake.offered, other.offered], [[], []]);
});

test('files on their way are shown, each once, and can be cancelled', () => {
  const fake = new Fake();
  const progress = { direction: 'to-desktop', name: 'a', size: 9, done: 0, state: 'running' } as const;
  fake.clipboard.heard({ type: 'file-transfer', id: 1, ...progress });
  fake.clipboard.heard({ type: 'file-transfer', id: 2, ...progress });
  fake.clipboard.heard({ type: 'file-transfer', id: 1, ...progress, done: 9, state: 'done' });
  assert.deepEqual(
    fake.clipboard.state.transfers.map(({ id, state }) => [id, state]),
    [
      [1, 'done'],
      [2, 'running'],
    ],
  );
  fake.clipboard.cancel(2);
  assert.deepEqual(fake.answers, ['cancel 2']);
});

test('a folder is not pasted as a file that cannot be read, nor by its name: the user is told', () => {
  const fake = new Fake();
  const items = [{ kind: 'file', webkitGetAsEntry: () => ({ isDirectory: true }) }];
  const data = pastedData({ 'text/plain': 'folder' }, [new File([], 'folder')]);
  fake.clipboard.pasted({ ...data, items });
  assert.deepEqual(fake.offered, []);
  assert.match(fake.notices.join(), /^Folders are not copied/);
  assert.ok(fake.clipboard.giveFiles([new File([], 'a')], true));
  assert.deepEqual(fake.offered, ['file a']);
});

test('what the user picks from the history of her clipboard, without leaving the page, is pasted each time', async () => {
  const fake = new Fake();
  for (const picked of ['one', 'two', 'one', 'one']) {
    fake.text = picked;
    fake.paste();
  }
  assert.deepEqual(fake.offered, ['one', 'two', 'one']);
  await fake.copyThere('there');
  fake.text = 'three';
  fake.paste();
  assert.equal(fake.offered.length, 3, 'what was copied in the desktop since is newer');
});

test('the line ends of Windows make no other text of one', async () => {
  const fake = new Fake();
  fake.mayRead = true;
  fake.copyElsewhere('a\nb');
  await settled();
  fake.text = 'a\r\nb';
  fake.paste();
  assert.deepEqual(fake.offered, ['a\nb']);
  // What was copied in the desktop stays there as its program put it, tables and all.
  await fake.copyThere('c\nd');
  fake.copyElsewhere('c\r\nd');
  await settled();
  fake.paste();
  assert.equal(fake.offered.length, 1);
});
