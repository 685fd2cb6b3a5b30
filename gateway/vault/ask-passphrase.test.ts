import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { ReadStream } from 'node:tty';
import { askPassphrase } from './ask-passphrase.ts';

function terminal(): { input: ReadStream; output: PassThrough; shown(): string; raw: boolean[] } {
  const raw: boolean[] = [];
  const input = Object.assign(new PassThrough(), {
    setRawMode(on: boolean) {
      raw.push(on);
    },
  }) as unknown as ReadStream;
  const output = new PassThrough();
  let shown = '';
  output.on('data', (chunk) => {
    shown += String(chunk);
  });
  return { input, output, shown: () => shown, raw };
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

test('a passphrase is typed without being shown, with what was mistyped taken back', async () => {
  const { input, output, shown, raw } = terminal();
  const asked = askPassphrase(false, input, output);
  input.push(Buffer.from('geheß\x7fim\r'));
  assert.equal(text(await asked), 'geheim');
  assert.deepEqual(raw, [true, false]);
  assert.equal(shown().includes('geh'), false);
});

test('a new one is asked for until it was typed twice the same', async () => {
  const { input, output, shown } = terminal();
  const asked = askPassphrase(true, input, output);
  input.push(Buffer.from('one thing\nanother\ncorrect horse\ncorrect horse\n'));
  assert.equal(text(await asked), 'correct horse');
  assert.match(shown(), /They differ/);
});

test('Ctrl+C gives up', async () => {
  const { input, output } = terminal();
  const asked = askPassphrase(false, input, output);
  input.push(Buffer.from('half\x03'));
  await assert.rejects(asked, /no passphrase was typed/);
});
