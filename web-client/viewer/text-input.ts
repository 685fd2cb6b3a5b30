import type { Disposable } from './disposable.ts';
import { DisposableStore, listen } from './disposable.ts';
import type { Keyboard } from './keyboard.ts';
import { PasteKey } from './paste-key.ts';

/** What an edit of the text field means to the remote desktop: text to type or a key to press. */
export type TextEdit = { readonly text: string } | { readonly keys: readonly string[] } | undefined;

/**
 * What to make of an `input` event, by its `inputType` (Input Events Level 2). Composed text is left out: it comes
 * with `compositionend`, once, and browsers differ in whether an `input` event tells of it again.
 */
export function interpretEdit(inputType: string, data: string | null, isComposing: boolean): TextEdit {
  if (isComposing) return undefined;
  switch (inputType) {
    case 'insertText':
    case 'insertReplacementText':
      return data === null || data === '' ? undefined : { text: data };
    case 'insertLineBreak':
    case 'insertParagraph':
      return { keys: ['Enter'] };
    case 'deleteContentBackward':
      return { keys: ['Backspace'] };
    case 'deleteContentForward':
      return { keys: ['Delete'] };
    case 'deleteWordBackward':
      return { keys: ['ControlLeft', 'Backspace'] };
    case 'deleteWordForward':
      return { keys: ['ControlLeft', 'Delete'] };
    default:
      return undefined;
  }
}

export interface TextInputOptions {
  readonly keyboard: Keyboard;
  /** Name of the desktop for assistive technology. */
  readonly label: string;
  /** Whether the browser tells with a `paste` event what this key pastes. */
  isPasteKey(event: KeyboardEvent): boolean;
  /** What the user pastes; the key itself follows. */
  pasted(data: DataTransfer): void;
  /** Runs `run` after `milliseconds`; the result cancels it. */
  after(milliseconds: number, run: () => void): () => void;
}

/**
 * The hidden text field that has the keyboard: browsers give input methods, dead keys and soft keyboards only to
 * something that takes text. It holds a few blanks, so that a soft keyboard has something to delete.
 */
export class TextInput implements Disposable {
  readonly element: HTMLTextAreaElement;
  readonly #owned = new DisposableStore();

  constructor(parent: HTMLElement, { keyboard, label, isPasteKey, pasted, after }: TextInputOptions) {
    const element = document.createElement('textarea');
    element.className = 'remote-desktop-text';
    element.tabIndex = -1;
    element.autocomplete = 'off';
    element.autocapitalize = 'off';
    // A tap on the desktop is a click there; it must not bring up the soft keyboard.
    element.inputMode = 'none';
    element.spellcheck = false;
    element.setAttribute('autocorrect', 'off');
    element.setAttribute('aria-label', label);
    element.rows = 1;
    parent.append(element);
    this.element = element;
    this.#reset();
    const owned = this.#owned;
    const pasteKey = new PasteKey<KeyboardEvent>((event) => keyboard.keyDown(event), after);
    owned.add(
      listen<KeyboardEvent>(element, 'keydown', (event) => {
        pasteKey.release();
        if (isPasteKey(event)) pasteKey.hold(event);
        else if (keyboard.keyDown(event)) event.preventDefault();
        event.stopPropagation();
      }),
    );
    owned.add(
      listen<ClipboardEvent>(element, 'paste', (event) => {
        event.preventDefault();
        if (event.clipboardData !== null) pasted(event.clipboardData);
        pasteKey.release();
      }),
    );
    owned.add(
      listen<KeyboardEvent>(element, 'keyup', (event) => {
        pasteKey.release();
        if (keyboard.keyUp(event)) event.preventDefault();
        event.stopPropagation();
      }),
    );
    owned.add(
      listen<InputEvent>(element, 'input', (event) => {
        const edit = interpretEdit(event.inputType, event.data, event.isComposing);
        if (edit !== undefined) {
          if ('text' in edit) keyboard.type(edit.text);
          else keyboard.press(edit.keys);
        }
        if (!event.isComposing) this.#reset();
      }),
    );
    owned.add(
      listen<CompositionEvent>(element, 'compositionend', (event) => {
        keyboard.type(event.data);
        this.#reset();
      }),
    );
    // The Menu key is the desktop's; Firefox opens the page's own menu all the same, which then has the keyboard.
    owned.add(listen(element, 'contextmenu', (event) => event.preventDefault()));
    owned.add(listen(element, 'focus', () => keyboard.focused()));
    const leave = (): void => {
      pasteKey.drop();
      keyboard.releaseAll();
    };
    owned.add(listen(element, 'blur', leave));
    owned.add(listen(window, 'blur', leave));
    owned.add({ dispose: () => element.remove() });
  }

  focus(): void {
    this.element.focus({ preventScroll: true });
  }

  showSoftKeyboard(): void {
    this.element.inputMode = 'text';
    this.element.blur();
    this.focus();
  }

  /** Puts the field under the pointer, where an input method then shows its candidates. */
  moveTo(x: number, y: number): void {
    this.element.style.left = `${x}px`;
    this.element.style.top = `${y}px`;
  }

  dispose(): void {
    this.#owned.dispose();
  }

  #reset(): void {
    this.element.value = filling;
    this.element.setSelectionRange(filling.length, filling.length);
  }
}

const filling = '    ';
