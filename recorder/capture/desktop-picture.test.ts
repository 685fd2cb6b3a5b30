import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rect } from '#protocol/graphics/geometry.ts';
import { DesktopPicture } from './desktop-picture.ts';
import { I420Picture, rgbaImage } from './i420.ts';

/** A desktop of one colour that is drawn on in white, and the sizes that its picture says it gets. */
function painted(width = 0, height = 0) {
  const source = { width, height, pixels: new Uint8ClampedArray(width * height * 4) };
  const sizes: [number, number][] = [];
  const picture = new DesktopPicture(source, (...size) => sizes.push(size));
  const resize = (width: number, height: number) =>
    Object.assign(source, { width, height, pixels: new Uint8ClampedArray(width * height * 4) });
  const fill = ({ x, y, width, height }: Rect) => {
    for (let row = y; row < y + height; row++) {
      source.pixels.fill(255, (row * source.width + x) * 4, (row * source.width + x + width) * 4);
    }
  };
  return { source, picture, sizes, resize, fill };
}

test('there is no picture before there is a desktop; then all of it is new, and after that what has changed', () => {
  const { picture, sizes, resize, fill } = painted();
  assert.equal(picture.update(), undefined);
  assert.deepEqual([picture.image, picture.size, sizes], [undefined, { width: 0, height: 0 }, []]);

  resize(101, 64);
  assert.equal(picture.isResized, true);
  const first = picture.update() ?? assert.fail();
  assert.deepEqual([picture.isResized, picture.size, sizes], [false, { width: 101, height: 64 }, [[101, 64]]]);
  assert.deepEqual([first.image.width, first.image.height, first.changed], [102, 64, true]);
  assert.equal(first.image, picture.image);

  assert.deepEqual(picture.update(), { image: first.image, changed: false, areas: [], share: 0 });
  picture.damaged([{ x: 0, y: 0, width: 101, height: 64 }]);
  assert.equal(picture.update()?.changed, false, 'drawn again as it was');
  const corner = { x: 96, y: 32, width: 5, height: 32 };
  fill(corner);
  assert.equal(picture.update()?.changed, false, 'nobody has said so');
  picture.damaged([corner]);
  const { areas, share, changed } = picture.update() ?? assert.fail();
  assert.deepEqual([areas, changed], [[{ ...corner, width: 6 }], true]);
  assert.ok(Math.abs(share - (6 * 32) / (101 * 64)) < 1e-9);
});

test('what gets no frame yet is new in the next picture as well, once', () => {
  const { picture, fill } = painted(96, 64);
  picture.update();
  const [left, right] = [
    { x: 0, y: 0, width: 32, height: 32 },
    { x: 64, y: 32, width: 32, height: 32 },
  ];
  const paint = (area: Rect) => {
    fill(area);
    picture.damaged([area]);
    return picture.update()?.areas ?? assert.fail();
  };
  picture.leaveUnwritten(paint(left));
  assert.deepEqual(paint(right), [left, right]);
  assert.deepEqual(picture.update()?.areas, []);
});

test('another size gets an image of its own with room for all of them, and the desktop in its middle', () => {
  const { source, picture, sizes, resize, fill } = painted(96, 64);
  const { image: before } = picture.update() ?? assert.fail();
  picture.leaveUnwritten([{ x: 0, y: 0, width: 32, height: 32 }]);
  resize(64, 32);
  fill({ x: 0, y: 0, width: 64, height: 32 });
  const smaller = picture.update() ?? assert.fail();
  assert.notEqual(smaller.image, before);
  assert.deepEqual(smaller.areas, [{ x: 16, y: 16, width: 64, height: 32 }]);
  const expected = new I420Picture(96, 64);
  expected.convert(rgbaImage(64, 32, source.pixels), { x: 0, y: 0, width: 64, height: 32 }, 16, 16);
  assert.deepEqual(smaller.image.bytes, expected.bytes);

  resize(64, 100);
  const { image } = picture.update() ?? assert.fail();
  assert.deepEqual([image.width, image.height], [96, 100]);
  assert.deepEqual(sizes, [
    [96, 64],
    [64, 32],
    [64, 100],
  ]);
});

test('a desktop whose sizes together need too large a picture is refused, and takes no memory', () => {
  const { picture, resize } = painted(9000, 10);
  picture.update();
  resize(10, 9000);
  assert.throws(() => picture.update(), /need a picture of 9000 x 9000/u);
  assert.deepEqual(picture.size, { width: 9000, height: 10 });
  resize(8998, 20);
  assert.equal(picture.update()?.image.width, 9000);
});
