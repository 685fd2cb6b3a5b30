/** Something that holds listeners, timers or workers until it is told to let go. Disposing twice does nothing. */
export interface Disposable {
  dispose(): void;
}

/** Owns disposables and lets go of them, last in first out. */
export class DisposableStore implements Disposable {
  readonly #owned: Disposable[] = [];
  #disposed = false;

  /** Takes ownership. What is added after `dispose` is let go of at once. */
  add<T extends Disposable>(disposable: T): T {
    if (this.#disposed) disposable.dispose();
    else this.#owned.push(disposable);
    return disposable;
  }

  dispose(): void {
    this.#disposed = true;
    for (let owned = this.#owned.pop(); owned !== undefined; owned = this.#owned.pop()) owned.dispose();
  }
}

export function toDisposable(letGo: () => void): Disposable {
  let done = false;
  return {
    dispose() {
      if (done) return;
      done = true;
      letGo();
    },
  };
}

/** Listens on an event target until disposed. */
export function listen<E extends Event>(
  target: EventTarget,
  type: string,
  handler: (event: E) => void,
  options?: AddEventListenerOptions,
): Disposable {
  const listener = handler as EventListener;
  target.addEventListener(type, listener, options);
  return toDisposable(() => target.removeEventListener(type, listener, options));
}

/** Typed events: `Events` maps a name to what its listeners are given. */
export class Emitter<Events extends object> implements Disposable {
  readonly #listeners = new Map<keyof Events, Set<(value: never) => void>>();

  on<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): Disposable {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    return toDisposable(() => listeners.delete(listener));
  }

  emit<Name extends keyof Events>(name: Name, value: Events[Name]): void {
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) return;
    for (const listener of [...listeners] as ((value: Events[Name]) => void)[]) listener(value);
  }

  dispose(): void {
    this.#listeners.clear();
  }
}
