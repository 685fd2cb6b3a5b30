import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { bytesSource } from '../storage/byte-source.ts';
import { requireTools } from '../testing/media-tools.ts';
import { evidenceIn } from '../testing/open-files.ts';
import { sealedRecording } from '../testing/sealed-recording.ts';
import { describeReport } from './describe-report.ts';
import { encodeEvidenceBox } from './evidence-box.ts';
import { parseEvidenceManifest } from './evidence-manifest.ts';
import type { PublicKey } from './signing-key.ts';
import { type VerificationReport, verifySource } from './verify.ts';

/** What somebody would do who has the file, knows how it is made and has no key. */

test('pictures cannot be put where a cut file is played from, beside those that were signed', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { bytes, keys } = await sealedRecording(context);
  const { index, data } = placesIn(bytes);
  const frames = bytes.subarray(data.start + 8, data.start + 8 + Math.floor((data.end - data.start) * 0.8));
  const forged = Buffer.alloc(frames.length, 0xfe);
  const check = (...pieces: readonly Uint8Array[]) => verify(Buffer.concat(pieces), keys);
  const head = bytes.subarray(0, index.start);
  const dataHeader = bytes.subarray(data.start, data.start + 8);
  const cut = [head, bytes.subarray(index.start, index.end), dataHeader, frames];
  assert.equal((await check(...cut)).verdict, 'cut-short');
  for (const end of [index.end, index.end + 3, index.end + 8, data.end, data.end + 3, data.end + 20, data.end + 50]) {
    assert.equal((await check(bytes.subarray(0, end))).verdict, 'cut-short', `cut at ${end}`);
  }
  // Behind the last picture, where a player may look for another `moov`.
  const [, movie] = placesIn(bytes).all;
  const again = bytes.subarray(movie?.start, movie?.end);
  assert.equal((await check(bytes.subarray(0, data.end), again)).verdict, 'altered');

  // `moov` says where each frame is, and is not touched: there, the forged ones stand in a longer index.
  const longer = Buffer.concat([bytes.subarray(index.start, index.end), dataHeader, forged]);
  longer.writeUInt32BE(longer.length);
  assert.equal((await check(head, longer, dataHeader, frames)).verdict, 'altered');
  const keyAt = index.end - index.start - 44 - 4;
  longer.writeUInt32BE(longer.length - keyAt - 4, keyAt);
  assert.equal((await check(head, longer, dataHeader, frames)).verdict, 'altered');
  const between = Buffer.concat([Buffer.from('0000000066726565', 'hex'), forged]);
  between.writeUInt32BE(between.length);
  assert.equal(
    (await check(head, bytes.subarray(index.start, index.end), between, dataHeader, frames)).verdict,
    'altered',
  );

  // The frames' own box is not what it was: it ends before the cut and something follows, is another one, or is longer.
  const ended = Buffer.from(dataHeader);
  ended.writeUInt32BE(8 + frames.length);
  assert.equal((await check(...cut.with(2, ended), bytes.subarray(0, index.start))).verdict, 'altered');
  assert.equal(
    (await check(...cut.with(2, Buffer.from('00000000', 'hex')), Buffer.from('mdat'), frames)).verdict,
    'altered',
  );
  const wide = Buffer.from('000000016d6461740000000000ffffff', 'hex');
  assert.equal((await check(...cut.with(2, wide))).verdict, 'altered');
  const other = Buffer.from(dataHeader);
  other.write('free', 4, 'latin1');
  assert.equal((await check(...cut.with(2, other))).verdict, 'altered');
});

test('a file that ends where one of its boxes ends is cut short; one with a box twice, or in another place, is altered', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { bytes, keys } = await sealedRecording(context);
  const { all } = placesIn(bytes);
  assert.ok(all.length >= 5);
  for (const { start, end } of all) {
    const box = bytes.subarray(start, end);
    assert.equal((await verify(bytes.subarray(0, start), keys)).verdict, 'cut-short', `cut at ${start}`);
    const twice = Buffer.concat([bytes.subarray(0, end), box, bytes.subarray(end)]);
    assert.equal((await verify(twice, keys)).verdict, 'altered', `the box at ${start} twice`);
    assert.equal((await verify(Buffer.concat([bytes, box]), keys)).verdict, 'altered', `the box at ${start} again`);
    const without = Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
    if (end < bytes.length) assert.equal((await verify(without, keys)).verdict, 'altered', `without that at ${start}`);
    const first = Buffer.concat([box, bytes.subarray(0, start), bytes.subarray(end)]);
    if (start > 0) assert.equal((await verify(first, keys)).verdict, 'altered', `the box at ${start} first`);
  }
});

test('times, chapters, texts and the comment cannot be changed, in a whole file nor in one that is cut', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { bytes, keys } = await sealedRecording(context);
  const { index, data } = placesIn(bytes);
  const places = ['stts', 'stss', 'stsc', 'stsz', 'stco', 'mvhd', 'tkhd', 'chpl', 'tx3g', 'oriel-evidence-1'];
  const texts = bytes.indexOf('asked for', bytes.indexOf('mdat'));
  for (const [mark, at] of [
    ...places.map((type) => [type, bytes.indexOf(type) + type.length + 4] as const),
    ['text', texts] as const,
  ]) {
    assert.ok(at > 20 && at < index.start, mark);
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] as number) ^ 1;
    for (const end of [bytes.length, data.end, data.start + 2000]) {
      const { verdict, findings } = await verify(changed.subarray(0, end), keys);
      assert.deepEqual([verdict, findings[0]?.part], ['altered', 'header'], `${mark}, cut at ${end}`);
    }
  }
});

test("a manifest that is shortened, signed by somebody, or another recording's is found", async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { bytes, keys, path } = await sealedRecording(context);
  const box = (await evidenceIn(path)) ?? assert.fail();
  const manifest = parseEvidenceManifest(box.manifest.bytes) ?? assert.fail();
  const [first] = manifest.segments;
  const video = bytes.subarray(0, manifest.video.bytes);
  const own = { manifest: box.manifest.bytes, signature: box.signature.bytes, publicKey: box.publicKey.bytes };
  const events = box.events.bytes;
  const sealed = (parts: Partial<typeof own & { events: Uint8Array }>, before: Uint8Array = video) =>
    verify(Buffer.concat([before, encodeEvidenceBox({ ...own, events, ...parts })]), keys);
  assert.equal((await sealed({})).verdict, 'whole');

  const ranges = manifest.video.ranges.filter(({ end }) => end <= (first?.end ?? 0));
  const bytesOfFirst = ranges.at(-1)?.end ?? assert.fail();
  const shortened = { ...manifest, video: { ...manifest.video, bytes: bytesOfFirst, ranges }, segments: [first] };
  const text = Buffer.from(`${JSON.stringify(shortened)}\n`);
  const alone = bytes.subarray(0, bytesOfFirst);
  assert.equal((await sealed({ manifest: text }, alone)).verdict, 'altered');
  // Signed anew with a key of one's own, which is said to be the gateway's, or is put beside it.
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const der = publicKey.export({ format: 'der', type: 'spki' });
  const signature = sign(null, text, privateKey);
  for (const parts of [
    { manifest: text, signature },
    { manifest: text, signature, publicKey: der },
  ]) {
    const report = await sealed(parts, alone);
    assert.deepEqual([report.verdict, report.recording], ['altered', null]);
  }
  const without = Buffer.from(Buffer.from(events).subarray(0, events.lastIndexOf(10, -2) + 1));
  assert.equal((await sealed({ events: without })).verdict, 'altered');
  assert.equal((await sealed({ events: Buffer.concat([events, events.subarray(-80)]) })).verdict, 'altered');
});

test('a cut file that only its own key vouches for says so', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { bytes } = await sealedRecording(context);
  const report = await verifySource(bytesSource(bytes.subarray(0, placesIn(bytes).data.end)));
  assert.deepEqual([report.verdict, report.key?.trusted], ['cut-short', null]);
  assert.match(describeReport(report), /Nothing vouches for that key but the file/);
});

async function verify(bytes: Uint8Array, keys: readonly PublicKey[]): Promise<VerificationReport> {
  return verifySource(bytesSource(bytes), keys);
}

interface Place {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** The boxes of a sealed file: all, the index, and that of the frames. */
function placesIn(bytes: Buffer): { all: readonly Place[]; index: Place; data: Place } {
  const all: Place[] = [];
  for (let at = 0; at < bytes.length; at = all.at(-1)?.end ?? bytes.length) {
    all.push({ type: bytes.toString('latin1', at + 4, at + 8), start: at, end: at + bytes.readUInt32BE(at) });
  }
  const index = all.find(({ type }) => type === 'uuid') ?? assert.fail();
  const data = all.findLast(({ type }) => type === 'mdat') ?? assert.fail();
  return { all, index, data };
}
