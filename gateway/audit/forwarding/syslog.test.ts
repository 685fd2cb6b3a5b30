import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testSigner } from '../../testing/trail-signer.ts';
import { hashRow } from '../chain.ts';
import type { ExportedRow } from '../export.ts';
import { parseHead, signHead } from '../signatures.ts';
import { cefEvent } from './cef.ts';
import { frame, headMessage, rowMessage } from './syslog.ts';

const sender = { hostname: 'gate way.example', version: '1.2|3' };
const content = {
  number: 12,
  at: Date.parse('2026-03-01T08:00:00.123Z'),
  actorId: 'u-1',
  actor: 'Jürgen "J\\" [x]\n',
  address: '192.0.2.7',
  action: 'login.failed',
  subject: 'a=b|c\\d',
  sessionId: null,
  details: '{"reason":"größer = 1\\n"}',
};
const row: ExportedRow = { ...content, previous: '0'.repeat(64), hash: hashRow('0'.repeat(64), content) };
const text = (message: Uint8Array) => Buffer.from(message).toString();

test('RFC 5424: header, escaped structured data, and the row as an export writes it, in ASCII', () => {
  const message = text(rowMessage(row, 'rfc5424', sender, false));
  const [head = '', ...rest] = message.split('] {');
  assert.equal(
    `${head}]`,
    `<108>1 2026-03-01T08:00:00.123Z gate_way.example oriel - login.failed [oriel@32473 number="12" actor="Jürgen \\"J\\\\\\" [x\\] " subject="a=b|c\\\\d" address="192.0.2.7" outcome="refused" hash="${row.hash}"]`,
  );
  const body = `{${rest.join('] {')}`;
  assert.match(body, /^[\u0020-\u007e]+$/);
  const { at, details, previous, hash, ...fields } = JSON.parse(body);
  const read = { ...fields, at: Date.parse(at), details: JSON.stringify(details) };
  assert.equal(hashRow(previous, read), hash, 'whoever has the message can check the row');
});

test('a row that may have arrived before says so; one that is too long keeps its number and hash', () => {
  assert.match(text(rowMessage(row, 'rfc5424', sender, true)), / resent="yes"\]/);
  const long = rowMessage({ ...row, details: `{"x":"${'y'.repeat(9000)}"}` }, 'rfc5424', sender, false);
  assert.ok(long.length <= 8192);
  assert.match(text(long), /number="12".*"details":{"cut":true}/);
});

test('CEF: pipes and backslashes in the header, equals signs and backslashes in the extension, no second line', () => {
  assert.equal(
    cefEvent(row, sender.version),
    `CEF:0|Oriel|Oriel|1.2\\|3|login.failed|login failed|6|rt=1772352000123 externalId=12 suser=Jürgen "J\\\\" [x]\\n suid=u-1 src=192.0.2.7 outcome=failure cs1Label=subject cs1=a\\=b|c\\\\d cs3Label=hash cs3=${row.hash} msg={"reason":"größer \\= 1\\\\n"}`,
  );
  const six = cefEvent({ ...row, address: '2001:db8::7', action: 'user.created' }, '1');
  assert.match(six, /\|3\|.* c6a2Label=Source IPv6 Address c6a2=2001:db8::7 outcome=success /);
  assert.doesNotMatch(cefEvent({ ...row, action: 'a\nb', subject: 'x\r\ny' }, '1'), /[\r\n]/);
});

test('octet counting counts bytes', () => {
  assert.equal(text(frame(Buffer.from('größer'))), '8 größer');
});

test('a head is read back from either format', () => {
  const head = signHead(testSigner(), { number: 7, hash: row.hash, at: '2026-03-01T09:00:00.000Z' });
  for (const format of ['rfc5424', 'cef'] as const) {
    assert.deepEqual(parseHead(text(headMessage(head, format, sender))), head);
  }
});
