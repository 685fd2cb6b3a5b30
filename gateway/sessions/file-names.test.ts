import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attachment, safeFileName, safeFileNames } from './file-names.ts';

test('a name has no path, wherever it comes from', () => {
  for (const name of [
    '../../etc/passwd',
    '..\\..\\passwd',
    'C:\\Windows\\passwd',
    '/passwd',
    '\\\\server\\share\\passwd',
  ]) {
    assert.equal(safeFileName(name), 'passwd');
  }
  for (const name of ['', '.', '..', '...', '   ', '/', 'a/..', '\u0000', 'C:\\']) {
    assert.equal(safeFileName(name), 'file');
  }
});

test('a name is none that a file system takes for something else', () => {
  assert.equal(safeFileName('CON'), '_CON');
  assert.equal(safeFileName('nul.txt'), '_nul.txt');
  assert.equal(safeFileName('Com1.tar.gz'), '_Com1.tar.gz');
  assert.equal(safeFileName('console.txt'), 'console.txt');
  assert.equal(safeFileName('a.txt:stream'), 'a.txt_stream');
  assert.equal(safeFileName('what?*<>|".txt'), 'what______.txt');
  assert.equal(safeFileName('trailing. . '), 'trailing');
});

test('a name reads as what it is', () => {
  assert.equal(safeFileName('invoice\u202etxt.exe'), 'invoicetxt.exe');
  assert.equal(safeFileName('a\u0007b\r\nc'), 'abc');
  assert.equal(safeFileName('Übersicht 2026 – 七.pdf'), 'Übersicht 2026 – 七.pdf');
  assert.ok(safeFileName('\ud800x').isWellFormed());
});

test('a long name keeps its extension', () => {
  const name = safeFileName(`${'x'.repeat(300)}.docx`);
  assert.equal(name.length, 200);
  assert.ok(name.endsWith('.docx'));
});

test('names in a list are told apart, without regard to case', () => {
  assert.deepEqual(safeFileNames(['a/x.txt', 'b/X.txt', 'x.txt', 'y']), ['x.txt', 'X (2).txt', 'x (3).txt', 'y']);
});

test('a download is named in a header, and nothing else is', () => {
  assert.equal(attachment('a b.txt'), `attachment; filename="a b.txt"; filename*=UTF-8''a%20b.txt`);
  assert.equal(attachment('ü".txt'), `attachment; filename="__.txt"; filename*=UTF-8''%C3%BC%22.txt`);
  assert.ok(/^[\x20-\x7e]+$/.test(attachment("x\r\ny'(1)*.txt")));
});
