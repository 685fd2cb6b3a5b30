import type { ComponentChildren, RefObject } from 'preact';
import { useState } from 'preact/hooks';
import type { RemoteDesktop, Scaling, ViewerMode } from '../../viewer/remote-desktop.ts';
import { Icon, Logo } from '../ui/icon.tsx';
import { keyCombinations } from './key-combinations.ts';
import { chooseKeyboardLayout, chosenKeyboardLayout, keyboardLayouts } from './keyboard-setting.ts';
import { choosePictures, pictureChoices } from './picture-setting.ts';
import { ToolMenu } from './tool-menu.tsx';

interface ToolbarProps {
  readonly title: string;
  readonly detail: string;
  readonly status: ComponentChildren;
  readonly children: ComponentChildren;
  readonly home: string;
  readonly first: RefObject<HTMLAnchorElement | null>;
}

/** The slim bar above a desktop. */
export function Toolbar({ title, detail, status, children, home, first }: ToolbarProps) {
  return (
    <header class="toolbar" data-testid="toolbar">
      <a class="toolbar-home" href={home} aria-label="Leave this desktop" ref={first}>
        <Logo />
      </a>
      <div class="toolbar-title">
        <span class="strong">{title}</span>
        <span class="quiet toolbar-detail">{detail}</span>
      </div>
      <div class="toolbar-status">{status}</div>
      <div class="toolbar-tools" role="toolbar" aria-label="Desktop">
        {children}
      </div>
    </header>
  );
}

export function ScalingButton({ scaling, change }: { readonly scaling: Scaling; change(scaling: Scaling): void }) {
  const fit = scaling === 'fit';
  return (
    <button
      type="button"
      class="tool"
      aria-pressed={!fit}
      title={fit ? 'Show at actual size' : 'Fit to the window'}
      onClick={() => change(fit ? 'actual' : 'fit')}
      data-testid="scaling"
    >
      <Icon name={fit ? 'actual' : 'fit'} />
      <span class="tool-text">{fit ? 'Actual size' : 'Fit'}</span>
    </button>
  );
}

export function FullscreenButton({
  desktop,
  page,
}: {
  readonly desktop: RemoteDesktop;
  readonly page: HTMLElement | null;
}) {
  const toggle = (): void => {
    if (document.fullscreenElement === null) void desktop.enterFullscreen(page ?? undefined).catch(() => undefined);
    else void document.exitFullscreen();
  };
  return (
    <button type="button" class="tool" title="Full screen" onClick={toggle} data-testid="fullscreen">
      <Icon name="fullscreen" />
      <span class="tool-text">Full screen</span>
    </button>
  );
}

/** The keyboard layout that the next session asks for: the one at hand, unless this browser's user knows better. */
function KeyboardChoice() {
  const [chosen, setChosen] = useState(chosenKeyboardLayout);
  const choose = (value: string): void => {
    const layout = value === '' ? undefined : Number(value);
    chooseKeyboardLayout(layout);
    setChosen(layout);
  };
  return (
    <label class="menu-note small">
      <span class="quiet">Keyboard, from the next session on</span>
      <select
        value={chosen === undefined ? '' : String(chosen)}
        onChange={(event) => choose(event.currentTarget.value)}
        data-testid="keyboard-layout"
      >
        <option value="">As on this device</option>
        {keyboardLayouts.map(([layout, name]) => (
          <option key={layout} value={String(layout)}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Key combinations that browsers keep for themselves, and the soft keyboard of touch devices. */
interface KeysMenuProps {
  readonly desktop: RemoteDesktop;
  /** Where the policy permits that the account's password is typed. */
  readonly typeSecret?: (() => void) | undefined;
}

export function KeysMenu({ desktop, typeSecret }: KeysMenuProps) {
  return (
    <ToolMenu icon="keyboard" label="Keys" title="Send keys" testId="keys-menu">
      {(close) => (
        <>
          {keyCombinations.map(({ label, does, codes }) => (
            <button
              key={label}
              type="button"
              class="menu-item"
              data-keys={label}
              onClick={() => {
                close();
                desktop.pressKeys(codes);
              }}
            >
              <kbd>{label}</kbd>
              <span class="quiet">{does}</span>
            </button>
          ))}
          {typeSecret !== undefined && (
            <button
              type="button"
              class="menu-item"
              data-testid="type-secret"
              onClick={() => {
                close();
                typeSecret();
              }}
            >
              <span>Type the password</span>
              <span class="quiet">of the account, where the caret is</span>
            </button>
          )}
          <button
            type="button"
            class="menu-item touch-only"
            onClick={() => {
              close();
              desktop.showSoftKeyboard();
            }}
          >
            <span>Show the keyboard</span>
          </button>
          <KeyboardChoice />
          <p class="menu-note quiet small">
            <kbd>Ctrl+Alt+Home</kbd> leaves the desktop for this bar.
          </p>
          <p class="menu-note quiet small touch-only">
            A finger that rests, or two that tap, click with the right button. Two fingers scroll.
          </p>
        </>
      )}
    </ToolMenu>
  );
}

interface PictureMenuProps {
  readonly desktop: RemoteDesktop;
  readonly mode: ViewerMode | undefined;
  /** Milliseconds to the gateway and back. */
  readonly latency: number | undefined;
}

/** How the pictures come, and how the user would like them to. The choice is kept for the desktops to come. */
export function PictureMenu({ desktop, mode, latency }: PictureMenuProps) {
  const [chosen, setChosen] = useState(desktop.pictures);
  return (
    <ToolMenu icon="desktops" label="Picture" title="How the picture is sent" testId="picture-menu">
      {() => (
        <>
          <fieldset class="menu-choices">
            <legend class="quiet small">How the picture is sent</legend>
            {pictureChoices.map(([choice, label, does]) => (
              <label key={choice} class="menu-choice">
                <input
                  type="radio"
                  name="pictures"
                  value={choice}
                  checked={choice === chosen}
                  onChange={() => {
                    setChosen(choice);
                    choosePictures(choice);
                    desktop.pictures = choice;
                  }}
                />
                <span>{label}</span>
                <span class="quiet small">{does}</span>
              </label>
            ))}
          </fieldset>
          <p class="menu-note quiet small" data-testid="picture-mode" data-mode={mode}>
            Now: {mode === 'regions' ? 'adapted to a slow connection' : 'as the computer sends it'}
            {latency !== undefined && `, ${Math.max(1, Math.round(latency))} ms to the gateway and back`}
          </p>
        </>
      )}
    </ToolMenu>
  );
}
