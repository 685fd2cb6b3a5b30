import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InputEvent } from '#protocol/pdu/input.ts';
import type { KeyInput, Platform } from './keyboard.ts';
import { Keyboard } from './keyboard.ts';

interface Fake {
  readonly keyboard: Keyboard;
  /** What was sent since the last call, each event as a short text. Lock keys are left out unless asked for. */
  sent(what?: 'all'): string[];
  /** Lets all timers run out. */
  wait(): void;
}

function fake(platform: Platform = 'other'): Fake {
  let events: InputEvent[] = [];
  const timers = new Set<() => void>();
  const keyboard = new Keyboard({
    platform,
    send: (sent) => events.push(...sent),
    after: (_, run) => {
      timers.add(run);
      return () => timers.delete(run);
    },
  });
  return {
    keyboard,
    sent(what) {
      const texts = events.filter((event) => what === 'all' || event.kind !== 'synchronize').map(textOf);
      events = [];
      return texts;
    },
    wait() {
      for (const run of [...timers]) {
        timers.delete(run);
        run();
      }
    },
  };
}

function textOf(event: InputEvent): string {
  switch (event.kind) {
    case 'scancode': {
      const prefix = event.extended1 ? 'e1 ' : event.extended ? 'e0 ' : '';
      return `${prefix}${event.code.toString(16)} ${event.down ? 'down' : 'up'}`;
    }
    case 'unicode':
      return `U+${event.unit.toString(16)} ${event.down ? 'down' : 'up'}`;
    case 'synchronize': {
      const { scrollLock, numLock, capsLock, kanaLock } = event;
      const on = Object.entries({ scrollLock, numLock, capsLock, kanaLock }).filter(([, locked]) => locked);
      return `locks ${on.map(([name]) => name).join(' ') || 'none'}`;
    }
    default:
      throw new Error(`a keyboard sent ${event.kind}`);
  }
}

interface KeyOptions extends Partial<Omit<KeyInput, 'getModifierState'>> {
  /** Modifier and lock keys that are on. */
  readonly on?: readonly string[];
}

function key(code: string, options: KeyOptions = {}): KeyInput {
  const { on = [], ...rest } = options;
  return {
    code,
    key: code.startsWith('Key') ? code.slice(3).toLowerCase() : code,
    keyCode: 0,
    isComposing: false,
    timeStamp: 0,
    shiftKey: on.includes('Shift'),
    ctrlKey: on.includes('Control'),
    altKey: on.includes('Alt'),
    metaKey: on.includes('Meta'),
    ...rest,
    getModifierState: (name) => on.includes(name),
  };
}

test('a key goes down, repeats and comes up as its scancode', () => {
  const { keyboard, sent } = fake();
  assert.equal(keyboard.keyDown(key('KeyA')), true);
  assert.equal(keyboard.keyDown(key('KeyA')), true);
  assert.equal(keyboard.keyUp(key('KeyA')), true);
  assert.deepEqual(sent(), ['1e down', '1e down', '1e up']);
});

test('the character does not matter, the place of the key does', () => {
  const { keyboard, sent } = fake();
  keyboard.keyDown(key('KeyQ', { key: 'a' }));
  assert.deepEqual(sent(), ['10 down']);
});

test('extended keys have their prefix', () => {
  const { keyboard, sent } = fake();
  keyboard.keyDown(key('ArrowLeft'));
  keyboard.keyUp(key('ArrowLeft'));
  assert.deepEqual(sent(), ['e0 4b down', 'e0 4b up']);
});

test('a key up without its key down says nothing', () => {
  const { keyboard, sent } = fake();
  assert.equal(keyboard.keyUp(key('KeyA')), false);
  assert.deepEqual(sent('all'), []);
});

test('lock keys are told before the first key and not again', () => {
  const { keyboard, sent } = fake();
  keyboard.keyDown(key('KeyA', { on: ['CapsLock', 'NumLock'] }));
  keyboard.keyUp(key('KeyA', { on: ['CapsLock', 'NumLock'] }));
  keyboard.keyDown(key('KeyB', { on: ['CapsLock', 'NumLock'] }));
  assert.deepEqual(sent('all'), ['locks numLock capsLock', '1e down', '1e up', '30 down']);
});

test('lock keys are told again when the keyboard comes back, with the state before the key', () => {
  const { keyboard, sent } = fake();
  keyboard.keyDown(key('KeyA', { on: ['NumLock'] }));
  keyboard.keyUp(key('KeyA', { on: ['NumLock'] }));
  sent('all');
  keyboard.releaseAll();
  keyboard.focused();
  assert.deepEqual(sent('all'), ['locks numLock']);
  keyboard.keyDown(key('KeyA', { on: ['CapsLock'] }));
  assert.deepEqual(sent('all'), ['locks capsLock', '1e down']);
});

test('a lock key that goes through is not told a second time', () => {
  const { keyboard, sent } = fake();
  keyboard.keyDown(key('KeyA'));
  keyboard.keyUp(key('KeyA'));
  keyboard.keyDown(key('CapsLock'));
  keyboard.keyUp(key('CapsLock', { on: ['CapsLock'] }));
  keyboard.keyDown(key('KeyA', { on: ['CapsLock'] }));
  assert.deepEqual(sent('all'), ['locks none', '1e down', '1e up', '3a down', '3a up', '1e down']);
});

test('a Caps Lock that has another use here has changed the other side only, which is told before the next key', () => {
  const { keyboard, sent } = fake();
  keyboard.keyDown(key('KeyA'));
  sent('all');
  // xkb's `grp:caps_toggle`: the key goes to another layout.
  keyboard.keyDown(key('CapsLock', { key: 'GroupNext' }));
  keyboard.keyUp(key('CapsLock', { key: 'GroupNext' }));
  keyboard.keyDown(key('KeyA'));
  keyboard.keyDown(key('KeyA'));
  assert.deepEqual(sent('all'), ['3a down', '3a up', 'locks none', '1e down', '1e down']);
  // Browsers tell nothing of Scroll Lock on Linux, where it would go off again with the next key.
  keyboard.keyDown(key('ScrollLock'));
  keyboard.keyUp(key('ScrollLock'));
  keyboard.keyDown(key('KeyA'));
  assert.deepEqual(sent('all'), ['46 down', '46 up', '1e down']);
});

test('on a Mac, Clear does not leave the number pad without numbers', () => {
  const { keyboard, sent } = fake('mac');
  keyboard.keyDown(key('KeyA'));
  keyboard.keyDown(key('NumLock', { key: 'Clear' }));
  keyboard.keyUp(key('NumLock', { key: 'Clear' }));
  sent('all');
  keyboard.keyDown(key('Numpad7', { key: '7' }));
  assert.deepEqual(sent('all'), ['locks numLock', '47 down']);
});

test('a key that its user has made another one is that one', () => {
  const { keyboard, sent } = fake();
  keyboard.keyDown(key('CapsLock', { key: 'Control', on: ['Control'] }));
  keyboard.keyDown(key('KeyC', { on: ['Control'] }));
  keyboard.keyUp(key('KeyC', { on: ['Control'] }));
  keyboard.keyUp(key('CapsLock', { key: 'Control' }));
  assert.deepEqual(sent(), ['1d down', '2e down', '2e up', '1d up']);
  keyboard.keyDown(key('CapsLock', { key: 'Escape' }));
  keyboard.keyUp(key('CapsLock', { key: 'Escape' }));
  keyboard.keyDown(key('Escape', { key: 'CapsLock' }));
  keyboard.keyUp(key('Escape', { key: 'CapsLock' }));
  assert.deepEqual(sent(), ['1 down', '1 up', '3a down', '3a up']);
});

test('a lock that changed elsewhere is told, and held modifiers go down again after it', () => {
  const { keyboard, sent } = fake();
  keyboard.keyDown(key('ShiftLeft', { on: ['Shift'] }));
  sent('all');
  keyboard.keyDown(key('KeyA', { on: ['Shift', 'NumLock'] }));
  assert.deepEqual(sent('all'), ['locks numLock', '2a down', '1e down']);
});

test('a mouse event tells of the lock keys only when they are due', () => {
  const { keyboard, sent } = fake();
  keyboard.synchronizeIfDue(key('', { on: ['NumLock'] }));
  keyboard.synchronizeIfDue(key('', { on: ['CapsLock'] }));
  assert.deepEqual(sent('all'), ['locks numLock']);
});

test('losing the keyboard releases every key that is down', () => {
  const { keyboard, sent } = fake();
  keyboard.keyDown(key('ControlLeft', { on: ['Control'] }));
  keyboard.keyDown(key('AltLeft', { on: ['Control', 'Alt'] }));
  keyboard.keyDown(key('KeyA', { on: ['Control', 'Alt'] }));
  sent();
  keyboard.releaseAll();
  assert.deepEqual(sent(), ['1d up', '38 up', '1e up']);
  keyboard.releaseAll();
  assert.deepEqual(sent(), []);
});

test('losing the keyboard by Alt+Tab or Command+Tab opens no menu in the desktop', () => {
  const { keyboard, sent } = fake();
  keyboard.keyDown(key('AltLeft', { key: 'Alt', on: ['Alt'] }));
  keyboard.releaseAll();
  keyboard.keyDown(key('MetaLeft', { key: 'Meta', on: ['Meta'] }));
  keyboard.releaseAll();
  keyboard.keyDown(key('ShiftLeft', { key: 'Shift', on: ['Shift'] }));
  keyboard.releaseAll();
  assert.deepEqual(sent(), [
    ...['38 down', '1d down', '38 up', '1d up'],
    ...['e0 5b down', '1d down', 'e0 5b up', '1d up'],
    ...['2a down', '2a up'],
  ]);
});

test('a modifier whose release was lost is released before the next key', () => {
  const { keyboard, sent } = fake();
  keyboard.keyDown(key('AltLeft', { on: ['Alt'] }));
  keyboard.keyDown(key('Tab', { on: ['Alt'] }));
  sent();
  keyboard.keyDown(key('KeyA'));
  assert.deepEqual(sent(), ['38 up', '1e down']);
});

test('a modifier whose release was lost is released with the next release, or before the mouse is used', () => {
  const { keyboard, sent } = fake();
  // Chromium on Linux, of a composition: Shift and a dead key down, Shift up (nothing is told), a letter.
  keyboard.keyDown(key('ShiftLeft', { on: ['Shift'] }));
  keyboard.keyDown(key('Equal', { key: 'Process', on: ['Shift'] }));
  keyboard.keyUp(key('Equal', { key: 'Dead', on: ['Shift'] }));
  keyboard.keyDown(key('KeyE', { key: 'Process', isComposing: true }));
  keyboard.type('è');
  keyboard.keyUp(key('KeyE'));
  assert.deepEqual(sent(), ['2a down', 'U+e8 down', 'U+e8 up', '2a up']);
  keyboard.keyDown(key('ControlLeft', { on: ['Control'] }));
  keyboard.mouseUsed(key('', { on: ['Control'] }));
  assert.deepEqual(sent(), ['1d down']);
  keyboard.mouseUsed(key(''));
  assert.deepEqual(sent(), ['1d up']);
});

test('Pause is the one key with E1, sent whole when it goes down', () => {
  const { keyboard, sent } = fake();
  assert.equal(keyboard.keyDown(key('Pause')), true);
  keyboard.keyUp(key('Pause'));
  assert.deepEqual(sent(), ['e1 1d down', '45 down', 'e1 1d up', '45 up']);
});

test('Ctrl+Pause is Break', () => {
  const { keyboard, sent } = fake();
  keyboard.keyDown(key('ControlLeft', { on: ['Control'] }));
  keyboard.keyDown(key('Pause', { on: ['Control'] }));
  assert.deepEqual(sent(), ['1d down', 'e0 46 down', 'e0 46 up']);
});

test('Print Screen works where the browser tells only of its release', () => {
  const { keyboard, sent } = fake('windows');
  keyboard.keyUp(key('PrintScreen'));
  assert.deepEqual(sent(), ['e0 37 down', 'e0 37 up']);
  keyboard.keyDown(key('PrintScreen'));
  keyboard.keyUp(key('PrintScreen'));
  assert.deepEqual(sent(), ['e0 37 down', 'e0 37 up']);
  keyboard.keyUp(key('PrintScreen', { on: ['Alt'] }));
  assert.deepEqual(sent(), ['54 down', '54 up']);
});

test('AltGr on Windows is the right Alt key alone', () => {
  const { keyboard, sent, wait } = fake('windows');
  assert.equal(keyboard.keyDown(key('ControlLeft', { on: ['Control'], timeStamp: 100 })), true);
  keyboard.keyDown(key('AltRight', { key: 'AltGraph', on: ['Control', 'Alt', 'AltGraph'], timeStamp: 100 }));
  keyboard.keyDown(key('KeyQ', { key: '@', on: ['Control', 'Alt', 'AltGraph'], timeStamp: 200 }));
  keyboard.keyUp(key('KeyQ', { on: ['Control', 'Alt', 'AltGraph'] }));
  keyboard.keyUp(key('ControlLeft'));
  keyboard.keyUp(key('AltRight', { key: 'AltGraph' }));
  wait();
  assert.deepEqual(sent(), ['e0 38 down', '10 down', '10 up', 'e0 38 up']);
});

test('Control on Windows goes down with the next key, or by itself after a moment', () => {
  const { keyboard, sent, wait } = fake('windows');
  keyboard.keyDown(key('ControlLeft', { on: ['Control'] }));
  assert.deepEqual(sent(), []);
  keyboard.keyDown(key('KeyC', { on: ['Control'], timeStamp: 10 }));
  assert.deepEqual(sent(), ['1d down', '2e down']);
  keyboard.keyUp(key('KeyC', { on: ['Control'] }));
  keyboard.keyUp(key('ControlLeft'));
  assert.deepEqual(sent(), ['2e up', '1d up']);
  keyboard.keyDown(key('ControlLeft', { on: ['Control'] }));
  wait();
  assert.deepEqual(sent(), ['1d down']);
});

test('Control on Windows is down before the mouse is used', () => {
  const { keyboard, sent } = fake('windows');
  keyboard.keyDown(key('ControlLeft', { on: ['Control'] }));
  keyboard.mouseUsed(key('', { on: ['Control'] }));
  assert.deepEqual(sent(), ['1d down']);
});

test('Control on Windows that is only tapped goes down and up', () => {
  const { keyboard, sent } = fake('windows');
  keyboard.keyDown(key('ControlLeft', { on: ['Control'] }));
  keyboard.keyUp(key('ControlLeft'));
  assert.deepEqual(sent(), ['1d down', '1d up']);
});

test('Ctrl and the right Alt key pressed one after the other are both sent', () => {
  const { keyboard, sent } = fake('windows');
  keyboard.keyDown(key('ControlLeft', { on: ['Control'], timeStamp: 100 }));
  keyboard.keyDown(key('AltRight', { on: ['Control', 'Alt'], timeStamp: 400 }));
  assert.deepEqual(sent(), ['1d down', 'e0 38 down']);
});

test('with both Shift keys down, Windows tells of one release', () => {
  const { keyboard, sent } = fake('windows');
  keyboard.keyDown(key('ShiftLeft', { on: ['Shift'] }));
  keyboard.keyDown(key('ShiftRight', { on: ['Shift'] }));
  sent();
  keyboard.keyUp(key('ShiftRight'));
  assert.deepEqual(sent(), ['36 up', '2a up']);
});

test('on a Mac, keys with Command are released at once, since their release is never told', () => {
  const { keyboard, sent } = fake('mac');
  keyboard.keyDown(key('KeyX'));
  keyboard.keyDown(key('MetaLeft', { on: ['Meta'] }));
  keyboard.keyDown(key('KeyK', { on: ['Meta'] }));
  assert.deepEqual(sent(), ['2d down', 'e0 5b down', '25 down', '25 up']);
  keyboard.keyUp(key('MetaLeft'));
  assert.deepEqual(sent(), ['e0 5b up', '2d up']);
});

test('on a Mac, Command cuts, copies and pastes as Ctrl does there, and is let go of', () => {
  const { keyboard, sent } = fake('mac');
  keyboard.keyDown(key('MetaLeft', { on: ['Meta'] }));
  keyboard.keyDown(key('KeyC', { on: ['Meta'] }));
  keyboard.keyDown(key('KeyV', { on: ['Meta'] }));
  assert.deepEqual(sent(), [
    ...['e0 5b down', '1d down', 'e0 5b up', '2e down', '2e up', '1d up'],
    ...['1d down', '2f down', '2f up', '1d up'],
  ]);
  keyboard.keyUp(key('MetaLeft'));
  assert.deepEqual(sent(), []);
});

test('on a Mac, Caps Lock is pressed whole each time, and Num Lock counts as on', () => {
  const { keyboard, sent } = fake('mac');
  keyboard.keyDown(key('KeyA'));
  keyboard.keyUp(key('KeyA'));
  keyboard.keyDown(key('CapsLock', { on: ['CapsLock'] }));
  keyboard.keyUp(key('CapsLock'));
  assert.deepEqual(sent('all'), ['locks numLock', '1e down', '1e up', '3a down', '3a up', '3a down', '3a up']);
});

test('composed text and dead keys go as Unicode, their keys do not', () => {
  const { keyboard, sent } = fake();
  assert.equal(keyboard.keyDown(key('KeyN', { key: 'Process' })), false);
  assert.equal(keyboard.keyDown(key('KeyI', { key: 'i', isComposing: true })), false);
  assert.equal(keyboard.keyDown(key('BracketLeft', { key: 'Dead' })), false);
  assert.equal(keyboard.keyUp(key('BracketLeft', { key: 'Dead' })), false);
  assert.equal(keyboard.keyDown(key('ShiftLeft', { key: 'Shift', on: ['Shift'] })), true);
  assert.equal(keyboard.keyDown(key('KeyE', { key: 'Ê', on: ['Shift'] })), false);
  assert.deepEqual(sent(), ['2a down']);
  keyboard.type('Ê你😀');
  const units = ['ca', '4f60', 'd83d', 'de00'];
  assert.deepEqual(
    sent(),
    units.flatMap((unit) => [`U+${unit} down`, `U+${unit} up`]),
  );
});

test('the first key of an input method is not typed, though Chromium on a Mac names it like any other', () => {
  const { keyboard, sent } = fake('mac');
  assert.equal(keyboard.keyDown(key('KeyN', { key: 'n', keyCode: 229 })), false);
  keyboard.type('に');
  // Safari ends the composition before the Enter that does so.
  assert.equal(keyboard.keyDown(key('Enter', { key: 'Enter', keyCode: 229 })), false);
  assert.deepEqual(sent(), ['U+306b down', 'U+306b up']);
});

test('what a dead key and the next one write side by side is text, where Firefox on Windows names both', () => {
  const { keyboard, sent } = fake('windows');
  assert.equal(keyboard.keyDown(key('Quote', { key: 'Dead' })), false);
  assert.equal(keyboard.keyDown(key('KeyT', { key: "'t" })), false);
  keyboard.keyDown(key('Quote', { key: 'Dead' }));
  assert.equal(keyboard.keyDown(key('Quote', { key: "''" })), false);
  keyboard.keyDown(key('Quote', { key: 'Dead' }));
  assert.equal(keyboard.keyDown(key('F5', { key: 'F5' })), true);
  assert.deepEqual(sent(), ['3f down']);
});

test('a shortcut with a key that is dead without modifiers goes as keys', () => {
  const pressed = (platform: Platform, ...on: readonly string[]) => {
    const { keyboard, sent } = fake(platform);
    keyboard.keyDown(key('Backquote', { key: 'Dead', on }));
    return sent();
  };
  for (const platform of ['windows', 'other'] as const) {
    assert.deepEqual(pressed(platform, 'Control'), ['29 down']);
    assert.deepEqual(pressed(platform, 'Alt'), ['29 down']);
    assert.deepEqual(pressed(platform, 'AltGraph'), []);
  }
  assert.deepEqual(pressed('windows', 'Control', 'Alt'), [], 'AltGr');
  assert.deepEqual(pressed('mac', 'Control'), ['29 down']);
  assert.deepEqual(pressed('mac', 'Alt'), [], 'Option makes dead keys there');
});

test('after a dead key, a key without a character works as always', () => {
  const { keyboard, sent } = fake();
  keyboard.keyDown(key('BracketLeft', { key: 'Dead' }));
  assert.equal(keyboard.keyDown(key('Escape', { key: 'Escape' })), true);
  assert.equal(keyboard.keyDown(key('KeyA')), true);
  assert.deepEqual(sent(), ['1 down', '1e down']);
});

test('line ends and tabs in typed text are keys', () => {
  const { keyboard, sent } = fake();
  keyboard.type('a\r\n\t');
  assert.deepEqual(sent(), ['U+61 down', 'U+61 up', '1c down', '1c up', 'f down', 'f up']);
});

test('keys without a code: characters as Unicode, named keys by name, the rest left alone', () => {
  const { keyboard, sent } = fake();
  assert.equal(keyboard.keyDown(key('', { key: 'ß' })), true);
  assert.equal(keyboard.keyDown(key('', { key: 'Backspace' })), true);
  assert.equal(keyboard.keyDown(key('', { key: 'Unidentified' })), false);
  assert.deepEqual(sent(), ['U+df down', 'U+df up', 'e down', 'e up']);
});

test('a combination is pressed in order, released in reverse, after everything else is let go', () => {
  const { keyboard, sent } = fake();
  keyboard.keyDown(key('KeyA'));
  sent();
  keyboard.press(['ControlLeft', 'AltLeft', 'Delete']);
  assert.deepEqual(sent(), ['1e up', '1d down', '38 down', 'e0 53 down', 'e0 53 up', '38 up', '1d up']);
});

test('what was pressed is what is released, whatever the event says meanwhile', () => {
  const { keyboard, sent } = fake();
  keyboard.keyDown(key('PrintScreen', { on: ['Alt'] }));
  keyboard.keyUp(key('PrintScreen'));
  assert.deepEqual(sent(), ['54 down', '54 up']);
});

test('a character that AltGr makes is sent without Shift, though a US keyboard has it with Shift', () => {
  const { keyboard, sent } = fake();
  keyboard.keyDown(key('AltRight', { key: 'AltGraph', on: ['AltGraph'] }));
  keyboard.keyDown(key('Digit2', { key: '@', on: ['AltGraph'] }));
  assert.deepEqual(sent(), ['e0 38 down', '3 down']);
});

test('a key of the number pad that moves the caret in spite of Num Lock does so there', () => {
  const { keyboard, sent } = fake('windows');
  const on = ['NumLock'];
  keyboard.keyDown(key('ShiftLeft', { key: 'Shift', on: [...on, 'Shift'] }));
  // Windows' own: Shift up, the key, Shift down.
  keyboard.keyUp(key('ShiftLeft', { key: 'Shift', on }));
  keyboard.keyDown(key('Numpad7', { key: 'Home', on }));
  keyboard.keyUp(key('Numpad7', { key: 'Home', on }));
  keyboard.keyDown(key('ShiftLeft', { key: 'Shift', on: [...on, 'Shift'] }));
  assert.deepEqual(sent(), ['2a down', '2a up', 'e0 47 down', 'e0 47 up', '2a down']);
  // Elsewhere Shift stays down, and the other side makes of it what this one does.
  keyboard.keyDown(key('Numpad7', { key: 'Home', on: [...on, 'Shift'] }));
  keyboard.keyUp(key('ShiftLeft', { key: 'Shift', on }));
  keyboard.keyDown(key('Numpad7', { key: '7', on }));
  keyboard.keyDown(key('Numpad1', { key: 'End' }));
  keyboard.keyDown(key('NumpadEnter', { key: 'Enter', on }));
  assert.deepEqual(sent(), ['47 down', '2a up', '47 down', '4f down', 'e0 1c down']);
});

test('a remote side that disagrees about the lock keys is told again before the next key', () => {
  const remote = { scrollLock: false, numLock: true, capsLock: true, kanaLock: false };
  const { keyboard, sent } = fake();
  // Nothing is known of this side yet: the first key tells anyway.
  keyboard.remoteLocks(remote);
  keyboard.keyDown(key('KeyA', { on: ['NumLock'] }));
  assert.deepEqual(sent('all'), ['locks numLock', '1e down']);
  keyboard.remoteLocks({ ...remote, capsLock: false });
  keyboard.keyDown(key('KeyB', { on: ['NumLock'] }));
  assert.deepEqual(sent('all'), ['30 down']);
  keyboard.remoteLocks(remote);
  keyboard.keyDown(key('KeyC', { on: ['NumLock'] }));
  assert.deepEqual(sent('all'), ['locks numLock', '2e down']);
});

test('a remote side that is ahead of us after a lock key of ours is left alone', () => {
  const { keyboard, sent } = fake();
  keyboard.keyDown(key('KeyA'));
  keyboard.keyUp(key('KeyA'));
  keyboard.keyDown(key('CapsLock'));
  keyboard.keyUp(key('CapsLock', { on: ['CapsLock'] }));
  sent('all');
  keyboard.remoteLocks({ scrollLock: false, numLock: false, capsLock: true, kanaLock: false });
  keyboard.keyDown(key('KeyB', { on: ['CapsLock'] }));
  assert.deepEqual(sent('all'), ['30 down']);
});
