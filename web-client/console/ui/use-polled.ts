import { useEffect, useState } from 'preact/hooks';

/** Something that pages show and change: whoever changes it says so, and it is asked for again at once. */
export class News {
  readonly #listeners = new Set<() => void>();

  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** @returns what ends it */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/**
 * The newest answer, asked for again every `everyMs` while the page is looked at. `ask` is taken anew when `key` changes.
 * A failure keeps the last answer: it is asked again soon, and a page that needs one shows the error itself.
 */
export function usePolled<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  { initial, everyMs, news, key }: { initial: T; everyMs: number; news: News; key?: unknown },
): T {
  const [answer, setAnswer] = useState(initial);
  useEffect(() => {
    const abort = new AbortController();
    const load = (): void => {
      if (!document.hidden) ask(abort.signal).then(setAnswer, () => undefined);
    };
    load();
    const timer = setInterval(load, everyMs);
    document.addEventListener('visibilitychange', load);
    const deafen = news.listen(load);
    return () => {
      abort.abort();
      clearInterval(timer);
      document.removeEventListener('visibilitychange', load);
      deafen();
    };
  }, [key]);
  return answer;
}
