import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ConnectError } from '../../protocol/connector/connect-error.ts';
import { DecodeError } from '../../protocol/core/errors.ts';
import { playSession } from './play.ts';
import { decodeSession, pictureHash } from './session-file.ts';

/** Sessions of real servers, captured by `capture.ts`, played again: whole, in pieces, cut off and damaged. */
const folder = join(import.meta.dirname, 'sessions');

for (const name of readdirSync(folder).sort()) {
  const session = decodeSession(readFileSync(join(folder, name)));

  describe(`captured session ${session.server}`, () => {
    const endsAsCaptured = (pieces?: number) => {
      const { compositor, closed } = playSession(session, pieces === undefined ? {} : { pieces });
      const { width, height } = compositor;
      assert.deepEqual({ width, height, sha256: pictureHash(compositor.pixels) }, session.picture);
      assert.equal(compositor.skipped, 0);
      assert.equal(closed, false);
    };

    it('ends with the same picture', () => endsAsCaptured());

    // Byte by byte, and in pieces that fit no frame.
    for (const pieces of [1, 7, 1460]) it(`does so in pieces of ${pieces}`, () => endsAsCaptured(pieces));

    it('can be cut off anywhere', () => {
      const { length } = session.bytes;
      for (let step = 0; step < 40; step++) {
        // More cuts where the connection is made than in the pictures that follow.
        const until = Math.floor(step < 30 ? (step * Math.min(length, 6000)) / 30 : (step * length) / 40);
        assert.equal(playSession(session, { until }).closed, false, `cut off after ${until} bytes`);
      }
    });

    it('ends with an error of ours when a byte is changed, or goes on', () => {
      let random = 12_345;
      for (let step = 0; step < 40; step++) {
        random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
        const at = random % Math.min(session.bytes.length, step % 2 === 0 ? 4000 : Number.POSITIVE_INFINITY);
        const value = random >>> 24;
        try {
          playSession(session, {
            damage: (bytes) => {
              bytes[at] = value;
            },
          });
        } catch (error) {
          const known = error instanceof DecodeError || error instanceof ConnectError;
          assert.ok(known, `byte ${at} set to ${value}: ${String(error)}`);
        }
      }
    });
  });
}
