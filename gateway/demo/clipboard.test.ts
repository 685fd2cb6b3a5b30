import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClipboardAction } from '#protocol/channels/cliprdr/clipboard-channel.ts';
import { encodeFileList } from '#protocol/channels/cliprdr/file-list.ts';
import { FormatName } from '#protocol/channels/cliprdr/format-list.ts';
import { encodeUtf8 } from '#protocol/core/text.ts';
import { DemoClipboard } from './clipboard.ts';

const FILES = 0xc123;
const DATA = encodeFileList([{ name: 'memo.txt', size: 6n, showProgress: false }]);
const PASTED = 'memo.txt (6 bytes): a memo\n';

/** A clipboard that was offered a file, and what it did. */
function offered({ locks }: { readonly locks: boolean }) {
  const actions: ClipboardAction[] = [];
  const inserted: string[] = [];
  const clipboard = new DemoClipboard(
    (action) => actions.push(action),
    (text) => inserted.push(text),
  );
  clipboard.heard({ kind: 'clipboard-ready', files: true, locks, hugeFiles: true });
  clipboard.heard({ kind: 'clipboard-offered', formats: [{ id: FILES, name: FormatName.files }] });
  const asked = () => {
    const action = actions.findLast(({ kind }) => kind === 'request-file');
    return action?.kind === 'request-file' ? action.request : assert.fail('no file was asked for');
  };
  const give = () =>
    clipboard.heard({ kind: 'clipboard-file-data', streamId: asked().streamId, data: encodeUtf8('a memo') });
  return { clipboard, actions, inserted, asked, give };
}

describe('the clipboard of the demo desktop', () => {
  it('pastes a file to its end, though something is copied before the list of files has come', () => {
    const { clipboard, actions, inserted, asked, give } = offered({ locks: true });
    clipboard.paste();
    clipboard.copy('all of the notes');
    assert.deepEqual(
      actions.map(({ kind }) => kind),
      ['lock', 'request', 'offer'],
    );
    clipboard.heard({ kind: 'clipboard-data', formatId: FILES, data: DATA, tooLarge: false });
    assert.equal(asked().clipDataId, 1);
    give();
    assert.deepEqual(inserted, [PASTED]);
    assert.deepEqual(actions.at(-1), { kind: 'unlock', clipDataId: 1 });
  });

  it('pastes a file of a client that keeps none for it', () => {
    const { clipboard, actions, inserted, asked, give } = offered({ locks: false });
    clipboard.paste();
    clipboard.heard({ kind: 'clipboard-data', formatId: FILES, data: DATA, tooLarge: false });
    assert.equal(asked().clipDataId, undefined);
    give();
    assert.deepEqual(inserted, [PASTED]);
    assert.deepEqual(
      actions.map(({ kind }) => kind),
      ['request', 'request-file'],
    );
  });

  it('takes no part for an answer to another question', () => {
    const { clipboard, inserted, asked, give } = offered({ locks: true });
    clipboard.paste();
    clipboard.heard({ kind: 'clipboard-data', formatId: FILES, data: DATA, tooLarge: false });
    clipboard.heard({ kind: 'clipboard-file-data', streamId: asked().streamId + 1, data: encodeUtf8('other!') });
    assert.deepEqual(inserted, []);
    give();
    assert.deepEqual(inserted, [PASTED]);
  });
});
