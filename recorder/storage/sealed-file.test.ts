import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { temporaryDirectory } from '../testing/media-tools.ts';
import { type ByteSource, openFile, readWhole } from './byte-source.ts';
import {
  CHUNK_SIZE,
  HEADER_SIZE,
  openSealed,
  openSealedLog,
  RECORD_OVERHEAD,
  SealedFileError,
  SealedWriter,
  Shape,
} from './sealed-file.ts';

const seal = { key: randomBytes(32), recordingId: 'session-1', name: 'video.mp4' };

async function sealedFile(context: TestContext, content: Buffer, shape: Shape, pieces = [content.length]) {
  const path = join(await temporaryDirectory(context), 'file.sealed');
  const writer = await SealedWriter.create(path, seal, shape);
  let at = 0;
  for (const piece of pieces) {
    await writer.append(content.subarray(at, at + piece));
    at += piece;
  }
  await writer.append(content.subarray(at));
  await writer.end();
  return path;
}

const reopen = async (path: string, with_ = seal): Promise<ByteSource> => openSealed(await openFile(path), with_);

for (const [name, shape] of Object.entries(Shape)) {
  test(`${name}: any part of any file is read as it was written, whatever the pieces`, async (context) => {
    const path = join(await temporaryDirectory(context), 'file.sealed');
    const sizes = fc.oneof(
      fc.nat(200),
      fc.constantFrom(0, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE),
      fc.nat(5 * CHUNK_SIZE),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(sizes, { maxLength: 4 }),
        fc.array(fc.tuple(fc.nat(), fc.nat())),
        async (all, reads) => {
          const content = randomBytes(all.reduce((sum, size) => sum + size, 0));
          const writer = await SealedWriter.create(path, seal, shape);
          let at = 0;
          for (const size of all) {
            await writer.append(content.subarray(at, at + size));
            at += size;
          }
          assert.equal(writer.bytes, content.length);
          await writer.end();
          const source = await reopen(path);
          assert.equal(source.size, content.length);
          assert.ok((await readWhole(source)).equals(content));
          for (const [from, length] of reads) {
            const start = content.length === 0 ? from : from % (content.length + 10);
            const part = await source.read(start, length % (3 * CHUNK_SIZE));
            assert.ok(part.equals(content.subarray(start, start + (length % (3 * CHUNK_SIZE)))));
          }
          await source.close();
        },
      ),
      { numRuns: 40 },
    );
  });

  test(`${name}: not a byte of it can be changed`, async (context) => {
    const content = randomBytes(2 * CHUNK_SIZE + 500);
    const path = await sealedFile(context, content, shape, [CHUNK_SIZE + 7, 20]);
    const bytes = await readFile(path);
    const places = [
      ...Array(HEADER_SIZE + RECORD_OVERHEAD).keys(),
      ...randomPlaces(bytes.length, 150),
      bytes.length - 1,
    ];
    for (const place of places) {
      const changed = Buffer.from(bytes);
      changed[place] = (changed[place] as number) ^ (1 << (place % 8));
      await writeFile(path, changed);
      await assert.rejects(
        reopen(path).then((source) => readWhole(source).finally(() => source.close())),
        SealedFileError,
        `byte ${place}`,
      );
    }
  });

  test(`${name}: it cannot be cut short, wherever`, async (context) => {
    const path = await sealedFile(context, randomBytes(3 * CHUNK_SIZE), shape, [CHUNK_SIZE]);
    const bytes = await readFile(path);
    const stride = CHUNK_SIZE + RECORD_OVERHEAD;
    const ends = [0, 5, HEADER_SIZE, HEADER_SIZE + stride, HEADER_SIZE + 2 * stride, ...randomPlaces(bytes.length, 40)];
    for (const end of ends) {
      await writeFile(path, bytes.subarray(0, end));
      await assert.rejects(reopen(path), SealedFileError, `cut at ${end}`);
    }
    await writeFile(path, Buffer.concat([bytes, randomBytes(100)]));
    await assert.rejects(
      reopen(path).then((source) => readWhole(source)),
      SealedFileError,
    );
  });
}

test('another key, another recording and another name do not open it', async (context) => {
  const path = await sealedFile(context, Buffer.from('a picture'), Shape.chunks);
  for (const other of [{ key: randomBytes(32) }, { recordingId: 'session-2' }, { name: 'thumbnail.jpg' }]) {
    await assert.rejects(reopen(path, { ...seal, ...other }), SealedFileError);
  }
});

test('chunks of two files of the same name are not interchangeable, nor can they change places', async (context) => {
  const stride = CHUNK_SIZE + RECORD_OVERHEAD;
  const one = await sealedFile(context, randomBytes(4 * CHUNK_SIZE), Shape.chunks);
  const other = await readFile(await sealedFile(context, randomBytes(4 * CHUNK_SIZE), Shape.chunks));
  const bytes = await readFile(one);
  const chunk = (from: Buffer, index: number) =>
    from.subarray(HEADER_SIZE + index * stride, HEADER_SIZE + (index + 1) * stride);
  const rest = bytes.subarray(HEADER_SIZE + 2 * stride);
  for (const [first, second] of [
    [chunk(other, 0), chunk(bytes, 1)],
    [chunk(bytes, 1), chunk(bytes, 0)],
  ] as const) {
    await writeFile(one, Buffer.concat([bytes.subarray(0, HEADER_SIZE), first, second, rest]));
    const source = await reopen(one);
    await assert.rejects(source.read(0, 10), SealedFileError);
    await source.close();
  }
});

test('nothing of the content is on the disk', async (context) => {
  const words = 'the password is swordfish ';
  const path = await sealedFile(context, Buffer.from(words.repeat(5000)), Shape.log, [10, 1000]);
  assert.equal((await readFile(path)).includes('swordfish'), false);
});

test('a log that its writer left is whole up to its last whole record, and goes on from there', async (context) => {
  const path = join(await temporaryDirectory(context), 'file.sealed');
  const lines = Array.from({ length: 20 }, (_, i) => Buffer.from(`line ${i}\n`));
  const ends: number[] = [];
  const writer = await SealedWriter.create(path, seal, Shape.log);
  for (const line of lines) {
    await writer.append(line);
    ends.push((await readFile(path)).length);
  }
  await writer.abandon();
  const bytes = await readFile(path);
  await assert.rejects(reopen(path), /cut short/);
  for (let end = HEADER_SIZE; end <= bytes.length; end += 11) {
    for (const tail of [Buffer.alloc(0), Buffer.alloc(300)]) {
      await writeFile(path, Buffer.concat([bytes.subarray(0, end), tail]));
      const whole = Buffer.concat(lines.slice(0, ends.filter((at) => at <= end).length));
      const source = await openSealedLog(await openFile(path), seal);
      assert.equal((await readWhole(source)).toString(), whole.toString());
      await source.close();
      const reopened = await SealedWriter.reopen(path, seal);
      assert.equal(reopened.content.toString(), whole.toString());
      await reopened.writer.append(Buffer.from('after the crash\n'));
      await reopened.writer.end();
      const again = await SealedWriter.reopen(path, seal);
      assert.deepEqual([again.content.toString(), again.torn], [`${whole}after the crash\n`, 0]);
      await again.writer.abandon();
    }
  }
  await truncate(path, 3);
  const reopened = await SealedWriter.reopen(path, seal);
  assert.deepEqual([reopened.content.length, reopened.torn], [0, 3]);
  await reopened.writer.end();
});

/** Another seed each time; a failure names the place. */
function randomPlaces(length: number, count: number): number[] {
  return Array.from({ length: count }, () => Math.floor(Math.random() * length));
}
