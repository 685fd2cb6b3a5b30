import type { ReadStream } from 'node:tty';
import { MasterKeyError } from './master-key.ts';

const ENTER = new Set([0x0a, 0x0d]);
const INTERRUPT = 0x03;
const END = 0x04;
const ERASE = new Set([0x08, 0x7f]);
const MAX_BYTES = 1024;

/**
 * Has a passphrase typed at a terminal, which shows nothing of it.
 * @param first a new one: asked for twice
 * @returns UTF-8, for the caller to wipe
 */
export async function askPassphrase(
  first: boolean,
  input: ReadStream = process.stdin,
  output: NodeJS.WritableStream = process.stdout,
): Promise<Uint8Array> {
  if (!first) return ask('Passphrase of the vault: ', input, output);
  output.write('A passphrase protects what this gateway stores. Without it, nothing of that can be opened again.\n');
  for (;;) {
    const one = await ask('New passphrase: ', input, output);
    const two = await ask('The same once more: ', input, output);
    const equal = Buffer.compare(one, two) === 0;
    two.fill(0);
    if (equal) return one;
    one.fill(0);
    output.write('They differ.\n');
  }
}

function ask(question: string, input: ReadStream, output: NodeJS.WritableStream): Promise<Uint8Array> {
  output.write(question);
  return new Promise((resolve, reject) => {
    const typed = Buffer.alloc(MAX_BYTES);
    let length = 0;
    const done = (): void => {
      input.off('data', read);
      input.setRawMode(false);
      input.pause();
      output.write('\n');
    };
    const read = (chunk: Buffer): void => {
      for (const [i, byte] of chunk.entries()) {
        if (ENTER.has(byte)) {
          done();
          // What was pasted behind it answers the next question.
          if (i + 1 < chunk.length) input.unshift(Buffer.from(chunk.subarray(i + 1)));
          chunk.fill(0);
          resolve(typed.subarray(0, length));
          return;
        }
        if (byte === INTERRUPT || (byte === END && length === 0)) {
          typed.fill(0);
          done();
          reject(new MasterKeyError('no passphrase was typed'));
          return;
        }
        if (ERASE.has(byte)) {
          // A character is a byte and those that go on with it.
          do length = Math.max(0, length - 1);
          while (length > 0 && ((typed[length] ?? 0) & 0xc0) === 0x80);
          typed.fill(0, length);
        } else if (length < MAX_BYTES && byte >= 0x20) {
          typed[length++] = byte;
        }
      }
      chunk.fill(0);
    };
    input.setRawMode(true);
    input.on('data', read);
    input.resume();
  });
}
