import type { InputEvent } from '#protocol/pdu/input.ts';
import type { PictureChoice, ViewerMode } from '#protocol/tunnel/messages.ts';
import type { ClipboardState } from './clipboard.ts';
import { Clipboard } from './clipboard.ts';
import type { Disposable } from './disposable.ts';
import { DisposableStore, Emitter, listen } from './disposable.ts';
import { isOrderly, reasonOf, viewerBroken } from './end-reason.ts';
import { FileDrop } from './file-drop.ts';
import type { Platform } from './keyboard.ts';
import { Keyboard } from './keyboard.ts';
import { localClipboard } from './local-clipboard.ts';
import type { Point } from './mouse.ts';
import { Mouse } from './mouse.ts';
import { isPasteKey } from './paste-key.ts';
import { PointerView } from './pointer-view.ts';
import type { Scaling, Size } from './scaling.ts';
import { desktopSizeFor, layoutDesktop } from './scaling.ts';
import { TextInput } from './text-input.ts';
import { Touch } from './touch.ts';
import { WindowFollower } from './window-follower.ts';
import type { EndReason, Notice, WorkerCommand, WorkerEvent } from './worker-messages.ts';

export type { PictureChoice, ViewerMode } from '#protocol/tunnel/messages.ts';
export type { ClipboardState } from './clipboard.ts';
export type { Scaling, Size } from './scaling.ts';
export type { EndReason, Notice } from './worker-messages.ts';

/** `ended`: over as somebody wished. `failed`: it never began, or it broke. */
export type RemoteDesktopState = 'connecting' | 'active' | 'ended' | 'failed';

export interface RemoteDesktopEvents {
  readonly state: RemoteDesktopState;
  /** The connection has entered this phase: a stable word, for showing progress. */
  readonly phase: string;
  readonly size: Size;
  /** How its pictures come from here on. */
  readonly mode: ViewerMode;
  readonly notice: Notice;
  /** Why it is over; comes just before the state `ended` or `failed`. */
  readonly end: EndReason;
  /** What may pass through the clipboard, and what was copied in the desktop. */
  readonly clipboard: ClipboardState;
  /** Milliseconds to the gateway and back. */
  readonly latency: number;
  /** Ctrl+Alt+Home: the user wants the keyboard for the page around the desktop. */
  readonly leave: undefined;
}

export interface RemoteDesktopOptions {
  /** The desktop fills this element. It needs a size of its own. */
  readonly parent: HTMLElement;
  /** Name of the desktop for assistive technology. */
  readonly label: string;
  readonly scaling?: Scaling;
  /** How the owner's pictures come; as the link allows unless given. */
  readonly pictures?: PictureChoice;
  /** WebSocket address of the tunnel; by default the page's own gateway. */
  readonly url?: string;
}

/**
 * A remote desktop in a page: one canvas, one session or live view. Make one, `connect` it once, `dispose` it.
 *
 * Its element has `data-state` with the state. Needs `remote-desktop.css`.
 */
export class RemoteDesktop implements Disposable {
  readonly element: HTMLElement;
  /** The user's clipboard and the desktop's. */
  readonly clipboard: Clipboard;
  readonly #options: RemoteDesktopOptions;
  readonly #events = new Emitter<RemoteDesktopEvents>();
  readonly #owned = new DisposableStore();
  readonly #canvas: HTMLCanvasElement;
  readonly #pointer: PointerView;
  readonly #worker: Worker;
  readonly #keyboard: Keyboard;
  readonly #mouse: Mouse;
  readonly #touch: Touch;
  readonly #text: TextInput;
  readonly #follower: WindowFollower;
  #state: RemoteDesktopState = 'connecting';
  #scaling: Scaling;
  #pictures: PictureChoice;
  #size: Size | undefined;
  #viewOnly = false;
  #followsWindow = true;

  constructor(options: RemoteDesktopOptions) {
    this.#options = options;
    this.#scaling = options.scaling ?? 'fit';
    this.#pictures = options.pictures ?? 'automatic';
    this.element = document.createElement('div');
    this.element.className = 'remote-desktop';
    this.#canvas = document.createElement('canvas');
    this.#canvas.dataset.testid = 'desktop';
    this.#canvas.tabIndex = 0;
    this.#canvas.setAttribute('role', 'application');
    this.#canvas.setAttribute('aria-label', options.label);
    this.element.append(this.#canvas);
    this.#pointer = new PointerView(this.element, this.#canvas);
    options.parent.append(this.element);

    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    const send = (events: readonly InputEvent[]): void => this.#sendInput(events);
    const platform = thisPlatform();
    this.#keyboard = new Keyboard({ platform, send, after });
    this.clipboard = new Clipboard({
      local: localClipboard,
      offer: (text) => this.#command({ type: 'clipboard-offer', text }),
      offerFiles: (offer) => this.#command({ type: 'file-offer', offer }),
      answerFile: (request, data) =>
        this.#command({ type: 'file-read', request, data }, data === undefined ? [] : [data]),
      cancelFile: (id) => this.#command({ type: 'file-cancel', id }),
      notice: (notice) => this.#events.emit('notice', notice),
      changed: (state) => this.#events.emit('clipboard', state),
    });
    this.#mouse = new Mouse({
      send,
      toDesktop: (clientX, clientY) => this.#toDesktop(clientX, clientY),
      nextFrame: (run) => requestAnimationFrame(run),
    });
    this.#touch = new Touch({ mouse: this.#mouse, now: () => performance.now(), after });
    this.#text = this.#owned.add(
      new TextInput(this.element, {
        keyboard: this.#keyboard,
        label: options.label,
        isPasteKey: (event) => isPasteKey(event, platform),
        pasted: (data) => this.clipboard.pasted(data),
        after,
      }),
    );
    this.#follower = this.#owned.add(
      new WindowFollower({
        wish: () => {
          const follows = this.#followsWindow && this.#scaling === 'fit' && this.#state === 'active' && !this.#viewOnly;
          return follows ? this.idealSize : undefined;
        },
        size: () => this.#size,
        ask: (size) => this.#command({ type: 'resize', size }),
      }),
    );
    this.#owned.add(
      listen<MessageEvent<WorkerEvent>>(this.#worker, 'message', (event) => this.#onWorkerEvent(event.data)),
    );
    this.#owned.add(listen(this.#worker, 'error', () => this.#onEnd(viewerBroken)));
    this.#owned.add({ dispose: () => this.#worker.postMessage({ type: 'close' } satisfies WorkerCommand) });
    this.#owned.add({ dispose: () => this.element.remove() });
    this.#owned.add(this.#events);
    this.#listenToLayout();
    this.#listenToMouse();
    this.#listenToKeys();
    this.#listenToClipboard();
    this.#showState();
  }

  get state(): RemoteDesktopState {
    return this.#state;
  }

  /**
   * Whether the remote desktop takes the window's size while it is fitted to it, where the server can do that. It is
   * scaled meanwhile, and otherwise.
   */
  get followsWindow(): boolean {
    return this.#followsWindow;
  }

  set followsWindow(follows: boolean) {
    this.#followsWindow = follows;
    this.#follower.changed();
  }

  /** The desktop's own size, once known. */
  get size(): Size | undefined {
    return this.#size;
  }

  /** Whether this only shows a desktop that somebody else works on. */
  get viewOnly(): boolean {
    return this.#viewOnly;
  }

  get scaling(): Scaling {
    return this.#scaling;
  }

  set scaling(scaling: Scaling) {
    this.#scaling = scaling;
    this.#relayout();
    this.#follower.changed();
  }

  /** How the owner's pictures come: as the server made them, made for a slow link, or whichever suits the link. */
  get pictures(): PictureChoice {
    return this.#pictures;
  }

  set pictures(choice: PictureChoice) {
    this.#pictures = choice;
    this.#command({ type: 'pictures', choice });
  }

  /** The desktop size that would fill this element pixel by pixel. */
  get idealSize(): Size {
    return desktopSizeFor(elementSize(this.element), window.devicePixelRatio);
  }

  on<Name extends keyof RemoteDesktopEvents>(
    name: Name,
    listener: (value: RemoteDesktopEvents[Name]) => void,
  ): Disposable {
    return this.#events.on(name, listener);
  }

  /**
   * Connects with a ticket. A promise that is rejected ends the desktop as `failed`, with the error's own `code`,
   * `message` and `hint` where it has them.
   */
  async connect(ticket: string | Promise<string>): Promise<void> {
    try {
      const canvas = this.#canvas.transferControlToOffscreen();
      const url = this.#options.url ?? tunnelUrl();
      this.#command({ type: 'open', url, ticket: await ticket, canvas, pictures: this.#pictures }, [canvas]);
    } catch (error) {
      this.#onEnd(reasonOf(error));
    }
  }

  /** Presses a combination of physical keys (`KeyboardEvent.code`), such as Ctrl+Alt+Del. */
  pressKeys(codes: readonly string[]): void {
    this.#keyboard.press(codes);
    this.focus();
  }

  /** Gives the desktop the keyboard, while there is one. */
  focus(): void {
    if (!this.#viewOnly && !this.#isOver) this.#text.focus();
  }

  /** Opens the soft keyboard of a touch device. Call it from a tap. */
  showSoftKeyboard(): void {
    this.#text.showSoftKeyboard();
  }

  /**
   * Shows an element (by default the desktop's own) in full screen, where browsers that can also hand over the keys
   * that they keep otherwise: Esc, Alt+Tab, Ctrl+W.
   */
  async enterFullscreen(element: HTMLElement = this.element): Promise<void> {
    await element.requestFullscreen({ navigationUI: 'hide' });
    await (navigator as NavigatorWithKeyboard).keyboard?.lock?.().catch(() => undefined);
    this.focus();
  }

  /** Says that so many files are in the desktop's clipboard: they are there once they are pasted. */
  announceFiles(count: number, hasFolders = false): void {
    const what = count === 1 ? 'The file is' : `${count} files are`;
    const left = hasFolders ? ' Folders are not copied.' : '';
    const message = `${what} in the desktop's clipboard: paste there with Ctrl+V.${left}`;
    this.#events.emit('notice', { code: 'files_offered', message });
  }

  /** Ends the session, not only this view of it. */
  endSession(): void {
    this.#command({ type: 'end-session' });
  }

  /** Leaves: the gateway takes it as the browser going away. */
  dispose(): void {
    this.#owned.dispose();
  }

  #command(command: WorkerCommand, transfer: Transferable[] = []): void {
    this.#worker.postMessage(command, transfer);
  }

  #sendInput(events: readonly InputEvent[]): void {
    if (this.#state === 'active' && !this.#viewOnly) this.#command({ type: 'input', events });
  }

  #onWorkerEvent(event: WorkerEvent): void {
    switch (event.type) {
      case 'hello':
        this.#viewOnly = event.role === 'shadow';
        this.#pointer.viewOnly = this.#viewOnly;
        this.element.dataset.viewOnly = String(this.#viewOnly);
        this.#tellMode(event.mode);
        return;
      case 'mode':
        this.#tellMode(event.mode);
        return;
      case 'phase':
        // A connection that came back knows nothing of the keys.
        if (event.phase === 'connected') this.#keyboard.focused();
        this.#events.emit('phase', event.phase);
        return;
      case 'size':
        this.#size = event.size;
        this.#relayout();
        this.#events.emit('size', event.size);
        return;
      case 'active':
        this.#setState('active');
        this.focus();
        this.#sendVisibility();
        this.#follower.changed();
        return;
      case 'pointer':
        this.#pointer.look = event.look;
        return;
      case 'pointer-position':
        this.#pointer.at = event;
        return;
      case 'notice':
        // Lock keys that were pressed meanwhile have changed on this side only.
        if (event.notice.code === 'unfrozen') this.#keyboard.focused();
        this.#events.emit('notice', event.notice);
        return;
      case 'lock-keys':
        this.#keyboard.remoteLocks(event.lockKeys);
        return;
      case 'clipboard':
        this.clipboard.heard(event.news);
        return;
      case 'latency':
        this.#events.emit('latency', event.milliseconds);
        return;
      case 'ended':
        this.#onEnd(event.reason);
        return;
    }
  }

  #tellMode(mode: ViewerMode): void {
    this.element.dataset.mode = mode;
    this.#events.emit('mode', mode);
  }

  get #isOver(): boolean {
    return this.#state === 'ended' || this.#state === 'failed';
  }

  #onEnd(reason: EndReason): void {
    if (this.#isOver) return;
    this.#events.emit('end', reason);
    this.#setState(isOrderly(reason) ? 'ended' : 'failed');
  }

  #setState(state: RemoteDesktopState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#showState();
    if (this.#isOver) {
      // From here on Tab and F5 are the page's, and Esc leaves full screen.
      this.#canvas.tabIndex = -1;
      this.#text.element.blur();
      (navigator as NavigatorWithKeyboard).keyboard?.unlock?.();
    }
    this.#events.emit('state', state);
  }

  #showState(): void {
    this.element.dataset.state = this.#state;
  }

  #listenToLayout(): void {
    const changed = (): void => {
      this.#relayout();
      this.#follower.changed();
    };
    const observer = new ResizeObserver(changed);
    observer.observe(this.element);
    this.#owned.add({ dispose: () => observer.disconnect() });
    this.#owned.add(listen(document, 'visibilitychange', () => this.#sendVisibility()));
    // Zooming the page or moving it to another screen changes the ratio, and with it what is crisp.
    this.#owned.add(listen(window, 'resize', changed));
  }

  #listenToMouse(): void {
    const canvas = this.#canvas;
    const toMouse = (event: PointerEvent): void => {
      if (event.pointerType === 'touch') this.#touch.finger(event);
      else this.#mouse.pointer(event);
    };
    const pointer = (event: PointerEvent): void => {
      if (this.#viewOnly) return;
      if (event.type === 'pointermove') this.#keyboard.synchronizeIfDue(event);
      toMouse(event);
      const box = this.element.getBoundingClientRect();
      this.#text.moveTo(
        event.clientX - box.left + this.element.scrollLeft,
        event.clientY - box.top + this.element.scrollTop,
      );
    };
    const down = (event: PointerEvent): void => {
      canvas.setPointerCapture(event.pointerId);
      this.focus();
      if (!this.#viewOnly) this.#keyboard.mouseUsed(event);
      pointer(event);
    };
    const owned = this.#owned;
    owned.add(listen(canvas, 'pointerdown', down));
    for (const type of ['pointermove', 'pointerup']) owned.add(listen(canvas, type, pointer));
    // Says nothing of where the pointer is.
    owned.add(listen(canvas, 'pointercancel', toMouse));
    const left = (): void => {
      this.#touch.cancel();
      this.#mouse.releaseAll();
    };
    owned.add(listen(window, 'blur', left));
    owned.add({ dispose: () => this.#touch.cancel() });
    // The page's own answers: focus, auto scroll, history by the back button, menus, selection.
    for (const type of ['mousedown', 'mouseup', 'auxclick', 'contextmenu', 'dragstart', 'selectstart']) {
      owned.add(
        listen(canvas, type, (event) => {
          if (!this.#viewOnly) event.preventDefault();
        }),
      );
    }
    const wheel = (event: WheelEvent): void => {
      if (this.#viewOnly) return;
      event.preventDefault();
      this.#keyboard.mouseUsed(event);
      this.#mouse.wheel(event);
    };
    owned.add(listen(canvas, 'wheel', wheel, { passive: false }));
  }

  #listenToKeys(): void {
    this.#owned.add(listen(this.#canvas, 'focus', () => this.focus()));
    const leave = (event: KeyboardEvent): void => {
      if (event.code !== 'Home' || !event.ctrlKey || !event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      this.#keyboard.releaseAll();
      this.#events.emit('leave', undefined);
    };
    this.#owned.add(listen(this.element, 'keydown', leave, { capture: true }));
  }

  #listenToClipboard(): void {
    const owned = this.#owned;
    owned.add(listen(window, 'focus', () => this.clipboard.came()));
    // Elsewhere is another window, or the page around the desktop.
    owned.add(listen(window, 'blur', () => this.clipboard.left()));
    for (const type of ['copy', 'cut']) owned.add(listen(document, type, () => this.clipboard.copiedHere()));
    owned.add(
      new FileDrop(this.element, {
        mayDrop: () => !this.#viewOnly,
        dropped: ({ files, hasFolders }) => {
          if (!this.clipboard.giveFiles(files, hasFolders)) return;
          this.announceFiles(files.length, hasFolders);
          this.focus();
        },
      }),
    );
    for (const type of ['pointerup', 'keyup']) {
      owned.add(listen(this.element, type, () => this.clipboard.acted(), { capture: true }));
    }
  }

  #relayout(): void {
    const size = this.#size;
    this.element.dataset.scaling = this.#scaling;
    if (size === undefined) return;
    const layout = layoutDesktop(size, elementSize(this.element), this.#scaling, window.devicePixelRatio);
    const { style } = this.#canvas;
    style.left = `${layout.left}px`;
    style.top = `${layout.top}px`;
    style.width = `${layout.width}px`;
    style.height = `${layout.height}px`;
    this.#canvas.dataset.crisp = String(layout.crisp);
    this.#pointer.layout = layout;
  }

  #sendVisibility(): void {
    if (this.#state !== 'active' || this.#viewOnly) return;
    this.#command({ type: 'visibility', visible: document.visibilityState !== 'hidden' });
  }

  #toDesktop(clientX: number, clientY: number): Point {
    const box = this.#canvas.getBoundingClientRect();
    const { width, height } = this.#size ?? { width: 1, height: 1 };
    return {
      x: within(((clientX - box.left) * width) / box.width, width),
      y: within(((clientY - box.top) * height) / box.height, height),
    };
  }
}

interface NavigatorWithKeyboard {
  readonly keyboard?: { lock?(): Promise<void>; unlock?(): void };
}

function elementSize(element: HTMLElement): Size {
  const { width, height } = element.getBoundingClientRect();
  return { width, height };
}

function within(value: number, size: number): number {
  return Math.max(0, Math.min(size - 1, Math.floor(value)));
}

function tunnelUrl(): string {
  const url = new URL('/tunnel', window.location.href);
  url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:';
  return url.href;
}

function after(milliseconds: number, run: () => void): () => void {
  const timer = setTimeout(run, milliseconds);
  return () => clearTimeout(timer);
}

function thisPlatform(): Platform {
  const name = navigator.userAgent;
  if (name.includes('Windows')) return 'windows';
  return /Macintosh|iPhone|iPad/.test(name) ? 'mac' : 'other';
}
