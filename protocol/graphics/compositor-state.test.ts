import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../core/bytes.ts';
import { DecodeError } from '../core/errors.ts';
import { Compositor } from './compositor.ts';
import { createSurfaceCodecs } from './surface-codecs.ts';
import { RandomServer, type RandomServerKind } from './testing/random-server.ts';

const LIMIT = 64 * 1024 * 1024;
const kind = fc.constantFrom<RandomServerKind>('classic', 'remotefx', 'gfx');

function moved(compositor: Compositor): Compositor {
  const state = compositor.saveState(LIMIT);
  assert.ok(state !== undefined);
  return Compositor.fromState(state, createSurfaceCodecs());
}

describe('the state of a compositor', () => {
  it('is all that another one needs to go on, from wherever it is taken', () => {
    fc.assert(
      fc.property(kind, fc.integer(), fc.array(fc.boolean(), { minLength: 20, maxLength: 40 }), (kind, seed, moves) => {
        const server = new RandomServer(kind, seed);
        const stays = new Compositor(createSurfaceCodecs());
        let goes = new Compositor(createSurfaceCodecs());
        for (const update of server.open()) for (const compositor of [stays, goes]) compositor.apply(update);
        for (const isMoved of moves) {
          if (isMoved) goes = moved(goes);
          const update = server.next();
          for (const compositor of [stays, goes]) compositor.apply(update);
          assert.deepEqual(goes.pixels, stays.pixels);
          assert.equal(goes.pointer.kind, stays.pointer.kind);
          assert.deepEqual(goes.pointer.shape, stays.pointer.shape);
        }
        assert.equal(stays.skipped, 0);
        assert.equal(goes.skipped, 0);
      }),
      { numRuns: 60, endOnFailure: true },
    );
  });

  it('counts everything as changed, once what is half drawn is whole', () => {
    const server = new RandomServer('remotefx', 5);
    const compositor = new Compositor(createSurfaceCodecs());
    for (const update of server.open()) compositor.apply(update);
    // Until something is drawn within a frame.
    while (compositor.takeDamage().length > 0 || compositor.takeDamage(true).length === 0)
      compositor.apply(server.next());
    const other = moved(compositor);
    assert.deepEqual(other.takeDamage(), []);
    for (const update of server.close()) other.apply(update);
    assert.deepEqual(other.takeDamage(), [{ x: 0, y: 0, width: server.width, height: server.height }]);
  });

  it('is not taken when it is larger than allowed, or of a desktop that is not there', () => {
    const compositor = new Compositor(createSurfaceCodecs());
    assert.equal(moved(compositor).width, 0);
    for (const update of new RandomServer('gfx', 3).open()) compositor.apply(update);
    const size = compositor.saveState(LIMIT)?.length ?? 0;
    assert.ok(size > 150 * 100 * 4);
    assert.equal(compositor.saveState(size)?.length, size);
    assert.equal(compositor.saveState(size - 1), undefined);
  });

  it('is refused when it is cut, continued or something else', () => {
    const server = new RandomServer('gfx', 11);
    const compositor = new Compositor(createSurfaceCodecs());
    for (const update of server.open()) compositor.apply(update);
    for (let i = 0; i < 60; i++) compositor.apply(server.next());
    const state = compositor.saveState(LIMIT) ?? new Uint8Array();
    const load = (bytes: Uint8Array) => Compositor.fromState(bytes, createSurfaceCodecs());
    assert.throws(() => load(concatBytes(state, Uint8Array.of(0))), { code: 'trailing_bytes' });
    fc.assert(
      fc.property(fc.nat(state.length - 1), (length) => {
        assert.throws(() => load(state.subarray(0, length)), DecodeError);
      }),
      { numRuns: 60 },
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(state.length - 1), fc.nat(255)), { minLength: 1, maxLength: 9 }),
        (edits) => {
          const bytes = state.slice();
          for (const [at, value] of edits) bytes[at] = value;
          try {
            load(bytes);
          } catch (error) {
            assert.ok(error instanceof DecodeError, String(error));
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
