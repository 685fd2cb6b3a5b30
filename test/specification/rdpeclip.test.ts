/** [MS-RDPECLIP] section 4: the clipboard channel's messages, decoded to what the document says of them, and encoded again. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeFileList, encodeFileList, FileAttributes } from '../../protocol/channels/cliprdr/file-list.ts';
import { textFormatOf } from '../../protocol/channels/cliprdr/format-list.ts';
import {
  ClipboardFlags,
  type ClipboardPdu,
  decodeClipboardPdu,
  decodeFileSize,
  encodeClipboardPdu,
} from '../../protocol/channels/cliprdr/pdu.ts';
import { decodeClipboardText, encodeClipboardText } from '../../protocol/channels/cliprdr/text.ts';
import { specificationDumps } from './dumps.ts';

const dump = specificationDumps('ms-rdpeclip');

describe('[MS-RDPECLIP] section 4', () => {
  for (const section of ['4.1.1', '4.1.3']) {
    it(`${section} Clipboard Capabilities`, () => {
      const { useLongFormatNames, streamFileClipEnabled, fileClipNoFilePaths } = ClipboardFlags;
      const generalFlags = useLongFormatNames | streamFileClipEnabled | fileClipNoFilePaths;
      assert.deepEqual(both(section), { kind: 'capabilities', capabilities: { version: 2, generalFlags } });
    });
  }

  it('4.1.2 Monitor Ready', () => {
    assert.deepEqual(both('4.1.2'), { kind: 'monitor-ready' });
  });

  it('4.1.4 Temporary Directory', () => {
    const path = 'C:\\DOCUME~1\\ELTONS~1.NTD\\LOCALS~1\\Temp\\cdepotslhrdp_1\\_TSABD.tmp';
    assert.deepEqual(both('4.1.4'), { kind: 'temp-directory', path });
  });

  it('4.1.5 Format List', () => {
    assert.deepEqual(both('4.1.5'), {
      kind: 'format-list',
      formats: [
        { id: 0xc004, name: 'Native' },
        { id: 3, name: '' },
        { id: 8, name: '' },
        { id: 17, name: '' },
      ],
    });
  });

  it('4.2.1 Format List of a word processor', () => {
    const list = both('4.2.1');
    assert.ok(list.kind === 'format-list');
    assert.deepEqual(
      list.formats.map(({ id, name }) => (name === '' ? id : name)),
      [
        ...['Rich Text Format', 'Rich Text Format Without Objects', 'RTF As Text'],
        ...[1, 13, 'Native', 'Object Descriptor', 3, 16, 7],
      ],
    );
    assert.equal(textFormatOf(list.formats), 13);
  });

  for (const section of ['4.1.6', '4.2.2', '4.5.2']) {
    it(`${section} Format List Response`, () => {
      assert.deepEqual(both(section), { kind: 'format-list-response', ok: true });
    });
  }

  it('4.3.1 Lock and 4.3.2 Unlock Clipboard Data', () => {
    assert.deepEqual(both('4.3.1'), { kind: 'lock', clipDataId: 8 });
    assert.deepEqual(both('4.3.2'), { kind: 'unlock', clipDataId: 8 });
  });

  it('4.4.1 Format Data Request and 4.4.2 its response', () => {
    assert.deepEqual(both('4.4.1'), { kind: 'format-data-request', formatId: 13 });
    const response = both('4.4.2');
    assert.ok(response.kind === 'format-data-response' && response.data !== undefined);
    assert.equal(decodeClipboardText(13, response.data), 'hello world');
    assert.deepEqual(encodeClipboardText('hello world'), response.data);
  });

  it('4.4.3 File Contents Requests and 4.4.4 their responses', () => {
    const request = { streamId: 2, index: 1, position: 0n };
    const size = { ...request, operation: 'size', length: 8 };
    const range = { ...request, operation: 'range', length: 65536 };
    assert.deepEqual(both('4.4.3.1'), { kind: 'file-contents-request', request: size });
    assert.deepEqual(both('4.4.3.2'), { kind: 'file-contents-request', request: range });
    assert.equal(decodeFileSize(fileContents('4.4.4.1')), 44n);
    assert.equal(new TextDecoder().decode(fileContents('4.4.4.2')), 'The quick brown fox jumps over the lazy dog.');
  });

  it('4.5 Retrieving a File List', () => {
    const formats = [{ id: 0xc079, name: 'FileGroupDescriptorW' }];
    assert.deepEqual(both('4.5.1'), { kind: 'format-list', formats });
    assert.deepEqual(both('4.5.3'), { kind: 'format-data-request', formatId: 0xc079 });
    const response = both('4.5.4');
    assert.ok(response.kind === 'format-data-response' && response.data !== undefined);
    const files = decodeFileList(response.data);
    // The document's own reading of these bytes ends in 9: a misprint.
    const common = { attributes: FileAttributes.archive, lastWriteTime: 0x01ca_55f3_2c30_5d08n, showProgress: true };
    assert.deepEqual(files, [
      { name: 'File1.txt', size: 44n, ...common },
      { name: 'File2.txt', size: 10n, ...common },
    ]);
    assert.deepEqual(encodeFileList(files), response.data);
  });
});

/** Decodes a message, once its own encoding is the same bytes. */
function both(section: string): ClipboardPdu {
  const pdu = decodeClipboardPdu(dump(section), 'long');
  assert.ok(pdu.kind !== 'unknown');
  assert.deepEqual(encodeClipboardPdu(pdu, 'long'), dump(section));
  return pdu;
}

function fileContents(section: string): Uint8Array {
  const pdu = both(section);
  assert.ok(pdu.kind === 'file-contents-response' && pdu.streamId === 2 && pdu.data !== undefined);
  return pdu.data;
}
