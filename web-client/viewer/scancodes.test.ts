import assert from 'node:assert/strict';
import { test } from 'node:test';
import { knownCodes, scancodeOf } from './scancodes.ts';

test('every key of a full keyboard has a scancode', () => {
  // UI Events KeyboardEvent code Values, sections 3.1 to 3.6, as far as a PC keyboard has them. Pause goes another way.
  const digits = [...'0123456789'];
  const codes = [
    ...[...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].map((letter) => `Key${letter}`),
    ...digits.map((digit) => `Digit${digit}`),
    ...digits.map((digit) => `Numpad${digit}`),
    ...Array.from({ length: 24 }, (_, index) => `F${index + 1}`),
    ...'Backquote Backslash BracketLeft BracketRight Comma Equal IntlBackslash IntlRo IntlYen Minus Period'.split(' '),
    ...'Quote Semicolon Slash AltLeft AltRight Backspace CapsLock ContextMenu ControlLeft ControlRight'.split(' '),
    ...'Enter MetaLeft MetaRight ShiftLeft ShiftRight Space Tab Convert KanaMode Lang1 Lang2 NonConvert'.split(' '),
    ...'Delete End Help Home Insert PageDown PageUp ArrowDown ArrowLeft ArrowRight ArrowUp NumLock'.split(' '),
    ...'NumpadAdd NumpadComma NumpadDecimal NumpadDivide NumpadEnter NumpadEqual NumpadMultiply'.split(' '),
    ...'NumpadSubtract Escape PrintScreen ScrollLock BrowserBack BrowserFavorites BrowserForward'.split(' '),
    ...'BrowserHome BrowserRefresh BrowserSearch BrowserStop LaunchApp1 LaunchApp2 LaunchMail'.split(' '),
    ...'MediaPlayPause MediaSelect MediaStop MediaTrackNext MediaTrackPrevious Power Sleep'.split(' '),
    ...'AudioVolumeDown AudioVolumeMute AudioVolumeUp WakeUp'.split(' '),
  ];
  assert.deepEqual(
    codes.filter((code) => scancodeOf(code) === undefined),
    [],
  );
});

test('scancodes are those of set 1', () => {
  const plain = (code: number) => ({ code, extended: false });
  const extended = (code: number) => ({ code, extended: true });
  assert.deepEqual(scancodeOf('Escape'), plain(0x01));
  assert.deepEqual(scancodeOf('KeyA'), plain(0x1e));
  assert.deepEqual(scancodeOf('ShiftRight'), plain(0x36));
  assert.deepEqual(scancodeOf('NumLock'), plain(0x45));
  assert.deepEqual(scancodeOf('IntlBackslash'), plain(0x56));
  assert.deepEqual(scancodeOf('F13'), plain(0x64));
  assert.deepEqual(scancodeOf('F24'), plain(0x76));
  assert.deepEqual(scancodeOf('IntlYen'), plain(0x7d));
  assert.deepEqual(scancodeOf('Enter'), plain(0x1c));
  assert.deepEqual(scancodeOf('NumpadEnter'), extended(0x1c));
  assert.deepEqual(scancodeOf('Slash'), plain(0x35));
  assert.deepEqual(scancodeOf('NumpadDivide'), extended(0x35));
  assert.deepEqual(scancodeOf('Numpad7'), plain(0x47));
  assert.deepEqual(scancodeOf('Home'), extended(0x47));
  assert.deepEqual(scancodeOf('AltRight'), extended(0x38));
  assert.deepEqual(scancodeOf('MetaLeft'), extended(0x5b));
  assert.deepEqual(scancodeOf('AudioVolumeUp'), extended(0x30));
});

test('no two keys share a scancode, but for other names of the same key', () => {
  const sameKey = new Set([
    'OSLeft',
    'OSRight',
    'VolumeMute',
    'VolumeDown',
    'VolumeUp',
    'LaunchMediaPlayer',
    'IntlHash',
  ]);
  const seen = new Map<string, string>();
  for (const name of knownCodes()) {
    if (sameKey.has(name)) continue;
    const scancode = JSON.stringify(scancodeOf(name));
    assert.equal(seen.get(scancode), undefined, `${name} has the scancode of ${seen.get(scancode)}`);
    seen.set(scancode, name);
  }
});

test('a key that no keyboard has, has none', () => {
  assert.equal(scancodeOf(''), undefined);
  assert.equal(scancodeOf('Unidentified'), undefined);
  assert.equal(scancodeOf('constructor'), undefined);
});
