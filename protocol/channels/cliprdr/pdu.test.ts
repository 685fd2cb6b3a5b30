import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DecodeError } from '../../core/errors.ts';
import { decodeFileList, encodeFileList, type FileDescriptor, MAX_CLIPBOARD_FILES } from './file-list.ts';
import { type FormatNames, MAX_CLIPBOARD_FORMATS } from './format-list.ts';
import {
  decodeClipboardPdu,
  decodeFileSize,
  encodeClipboardPdu,
  encodeFileSize,
  MAX_CLIPBOARD_MESSAGE,
  type SentClipboardPdu,
  sizeOfClipboardPdu,
} from './pdu.ts';
import { decodeClipboardText, encodeClipboardText } from './text.ts';

/** Plain objects: `deepEqual` tells those without a prototype from them. */
const record = ((model: object, constraints: object = {}) =>
  fc.record(model as never, { ...constraints, noNullPrototype: true })) as unknown as typeof fc.record;
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const data = fc.option(fc.uint8Array({ maxLength: 50 }), { nil: undefined });
/** UTF-16 without NUL and without halves of surrogate pairs, which a decoder replaces. */
const text = (maxLength: number) =>
  fc
    .string({ maxLength, unit: 'binary' })
    .map((value) => value.replaceAll('\0', '').toWellFormed().slice(0, maxLength).toWellFormed())
    .filter((value) => value.length <= maxLength);

const PDUS: fc.Arbitrary<SentClipboardPdu> = fc.oneof(
  record({
    kind: fc.constant('capabilities' as const),
    capabilities: record({ version: u32, generalFlags: u32 }),
  }),
  record({ kind: fc.constant('monitor-ready' as const) }),
  record({ kind: fc.constant('temp-directory' as const), path: text(259) }),
  record({
    kind: fc.constant('format-list' as const),
    formats: fc.array(record({ id: u32, name: text(15) }), { maxLength: 20 }),
  }),
  record({ kind: fc.constant('format-list-response' as const), ok: fc.boolean() }),
  record({ kind: fc.constantFrom('lock' as const, 'unlock' as const), clipDataId: u32 }),
  record({ kind: fc.constant('format-data-request' as const), formatId: u32 }),
  record({ kind: fc.constant('format-data-response' as const), data }),
  record({
    kind: fc.constant('file-contents-request' as const),
    request: record(
      {
        streamId: u32,
        index: fc.integer({ min: 0, max: 0x7fff_ffff }),
        operation: fc.constantFrom('size' as const, 'range' as const),
        position: u64,
        length: u32,
        clipDataId: u32,
      },
      { requiredKeys: ['streamId', 'index', 'operation', 'position', 'length'] },
    ),
  }),
  record({ kind: fc.constant('file-contents-response' as const), streamId: u32, data }),
);

const FILES: fc.Arbitrary<FileDescriptor> = record(
  { name: text(259), size: u64, attributes: u32, lastWriteTime: u64, showProgress: fc.boolean() },
  { requiredKeys: ['name', 'showProgress'] },
);

describe('messages of the clipboard channel', () => {
  it('decode to what was encoded, in the size that was said', () => {
    fc.assert(
      fc.property(PDUS, fc.constantFrom<FormatNames>('long', 'short'), (pdu, names) => {
        const bytes = encodeClipboardPdu(pdu, names);
        assert.equal(bytes.length, sizeOfClipboardPdu(pdu, names));
        const decoded = decodeClipboardPdu(bytes, names);
        assert.deepEqual(decoded, pdu);
      }),
    );
  });

  it('may have four bytes more, as those of Windows do', () => {
    const bytes = encodeClipboardPdu({ kind: 'lock', clipDataId: 9 }, 'long');
    assert.deepEqual(decodeClipboardPdu(Uint8Array.of(...bytes, 0, 0, 0, 0), 'long'), { kind: 'lock', clipDataId: 9 });
  });

  it('are refused where they are shorter than they say', () => {
    const bytes = encodeClipboardPdu({ kind: 'format-data-response', data: new Uint8Array(10) }, 'long');
    assert.throws(() => decodeClipboardPdu(bytes.subarray(0, -1), 'long'), isDecodeError('truncated', 'dataLen'));
  });

  it('of a type that nobody knows are told from the others', () => {
    assert.deepEqual(decodeClipboardPdu(Uint8Array.of(99, 0, 0, 0, 0, 0, 0, 0), 'long'), { kind: 'unknown', type: 99 });
  });

  it('say so where their data is more than is kept', () => {
    const cut = new Uint8Array(MAX_CLIPBOARD_MESSAGE);
    cut.set(encodeClipboardPdu({ kind: 'format-data-response', data: new Uint8Array(1) }, 'long'));
    new DataView(cut.buffer).setUint32(4, MAX_CLIPBOARD_MESSAGE, true);
    assert.deepEqual(decodeClipboardPdu(cut, 'long'), {
      kind: 'format-data-response',
      data: undefined,
      tooLarge: true,
    });
  });

  it('that ask for a size and a range at once are refused', () => {
    const request = { streamId: 1, index: 0, operation: 'size', position: 0n, length: 8 } as const;
    const bytes = encodeClipboardPdu({ kind: 'file-contents-request', request }, 'long');
    const both = bytes.slice();
    both[16] = 3;
    assert.throws(() => decodeClipboardPdu(both, 'long'), isDecodeError('invalid_value', 'dwFlags'));
  });

  it('may ask for a file that no list has', () => {
    const request = { streamId: 1, index: -1, operation: 'size', position: 0n, length: 8 } as const;
    const pdu = { kind: 'file-contents-request', request } as const;
    assert.deepEqual(decodeClipboardPdu(encodeClipboardPdu(pdu, 'long'), 'long'), pdu);
  });
});

describe('format lists', () => {
  it('have short names in ASCII where the message says so', () => {
    const pdu = { kind: 'format-list', formats: [{ id: 0xc001, name: 'HTML Format' }] } as const;
    const bytes = encodeClipboardPdu(pdu, 'ascii');
    assert.equal(bytes.length, 8 + 36);
    assert.equal(bytes[2], 4);
    assert.deepEqual(decodeClipboardPdu(bytes, 'short'), pdu);
  });

  it('cut short names that do not fit', () => {
    const name = 'FileGroupDescriptorW';
    const bytes = encodeClipboardPdu({ kind: 'format-list', formats: [{ id: 1, name }] }, 'short');
    const cut = decodeClipboardPdu(bytes, 'short');
    assert.deepEqual(cut, { kind: 'format-list', formats: [{ id: 1, name: name.slice(0, 15) }] });
  });

  it('are read as far as their limit', () => {
    const formats = Array.from({ length: MAX_CLIPBOARD_FORMATS + 1 }, (_, id) => ({ id, name: '' }));
    const bytes = encodeClipboardPdu({ kind: 'format-list', formats }, 'long');
    const kept = { kind: 'format-list', formats: formats.slice(0, MAX_CLIPBOARD_FORMATS) };
    assert.deepEqual(decodeClipboardPdu(bytes, 'long'), kept);
  });
});

describe('file lists', () => {
  it('decode to what was encoded', () => {
    fc.assert(
      fc.property(fc.array(FILES, { maxLength: 5 }), (files) => {
        assert.deepEqual(decodeFileList(encodeFileList(files)), files);
      }),
    );
  });

  it('cannot claim more files than they hold', () => {
    const bytes = encodeFileList([{ name: 'a', showProgress: false }]);
    const more = bytes.slice();
    more[0] = 2;
    assert.throws(() => decodeFileList(more), isDecodeError('truncated', 'fileDescriptorArray'));
    new DataView(more.buffer).setUint32(0, 0xffff_ffff, true);
    assert.throws(() => decodeFileList(more), isDecodeError('truncated', 'fileDescriptorArray'));
  });

  it('are read as far as their limit', () => {
    const many = Array.from({ length: MAX_CLIPBOARD_FILES + 1 }, () => ({ name: 'a', showProgress: false }));
    assert.equal(decodeFileList(encodeFileList(many)).length, MAX_CLIPBOARD_FILES);
  });

  it('go with sizes of 64 bits', () => {
    assert.equal(decodeFileSize(encodeFileSize(0x1_0000_0001n)), 0x1_0000_0001n);
    assert.throws(() => decodeFileSize(new Uint8Array(7)), isDecodeError('invalid_value', 'requestedFileContentsData'));
  });
});

describe('clipboard text', () => {
  it('has lines that end in CR LF there and in LF here', () => {
    const bytes = encodeClipboardText('a\nb\r\nc');
    assert.equal(new TextDecoder('utf-16le').decode(bytes), 'a\r\nb\r\nc\0');
    assert.equal(decodeClipboardText(13, bytes), 'a\nb\nc');
  });

  it('comes through whole', () => {
    fc.assert(
      fc.property(text(100), (value) => {
        const here = value.replaceAll('\r\n', '\n');
        assert.equal(decodeClipboardText(13, encodeClipboardText(here)), here);
      }),
    );
  });

  it('ends at its NUL, and an odd byte at the end is none of it', () => {
    assert.equal(decodeClipboardText(13, Uint8Array.of(0x41, 0, 0, 0, 0x42, 0, 7)), 'A');
    assert.equal(decodeClipboardText(1, Uint8Array.of(0x80, 0x41, 0, 0x42)), '€A');
  });
});

function isDecodeError(code: DecodeError['code'], field: string): (error: unknown) => boolean {
  return (error) => error instanceof DecodeError && error.code === code && error.field === field;
}
