import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InputEvent } from '../pdu/input.ts';
import { KeyReading } from './key-reading.ts';
import { LayoutTyping } from './layout-typing.ts';

const key = (code: number, down = true, extended = false): InputEvent => ({ kind: 'scancode', code, extended, down });
const press = (code: number, extended = false) => [key(code, true, extended), key(code, false, extended)];

function read(layout: number, events: readonly InputEvent[]): string {
  const reading = new KeyReading(layout);
  return events
    .map((event) => reading.read(event))
    .map((meaning) => (meaning === undefined ? '' : meaning.kind === 'text' ? meaning.text : `<${meaning.name}>`))
    .join('');
}

for (const [name, layout, text] of [
  ['US', 0x0409, 'The quick "brown" fox, 100% @ ~/dir {x|y}'],
  ['German', 0x0407, 'Zwölf Boxkämpfer: ß, €, @, {[]}, \\ und ~y'],
  ['French', 0x040c, 'Voilà: garçon, être, naïf, 1234 @ œ'.replace('œ', 'oe')],
  ['UK', 0x0809, '£5 "quoted" #1 @home ~'],
  ['unknown', 0x7777, 'as on the US layout'],
] as const) {
  test(`what LayoutTyping types is read back: ${name}`, () => {
    const typing = new LayoutTyping(layout === 0x7777 ? 0x0409 : layout);
    const events = [...text].flatMap((letter) => [
      { kind: 'unicode', unit: letter.charCodeAt(0), down: true } as const,
    ]);
    const strokes = typing.translate(events);
    assert.equal(typing.lost, 0);
    assert.equal(read(layout, strokes), text);
  });
}

test('Unicode keys are what they are; caps lock, the keypad, editing keys', () => {
  const unicode = [...'Ω😀'].flatMap((letter) =>
    Array.from(
      { length: letter.length },
      (_, i) => ({ kind: 'unicode', unit: letter.charCodeAt(i), down: true }) as const,
    ),
  );
  assert.equal(read(0x0409, unicode), 'Ω😀');
  assert.equal(read(0x0409, [...press(0x3a), ...press(0x1e), ...press(0x02), key(0x2a), ...press(0x1e)]), 'A1a');
  assert.equal(read(0x0409, [...press(0x47), ...press(0x52), ...press(0x53), ...press(0x35, true)]), '70./');
  assert.equal(
    read(0x0409, [...press(0x0e), ...press(0x1c), ...press(0x0f), ...press(0x4b, true), ...press(0x53, true)]),
    '<backspace><enter><tab><move><delete>',
  );
});

test('chords write nothing', () => {
  for (const [code, extended] of [
    [0x1d, false],
    [0x38, false],
    [0x5b, true],
  ] as const) {
    assert.equal(
      read(0x0409, [key(code, true, extended), ...press(0x2e), key(code, false, extended), ...press(0x2e)]),
      'c',
    );
  }
});
