import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api/request.ts';

export interface Resource<T> {
  /** The latest answer; kept while a newer one is fetched and when that fails. */
  readonly value: T | undefined;
  readonly error: ApiError | undefined;
  reload(): void;
}

/**
 * Something fetched from the gateway, kept fresh while the page is looked at.
 *
 * @param fetch must not change its meaning while the component lives
 * @param every milliseconds between refreshes; none when absent
 */
export function useResource<T>(fetch: (signal: AbortSignal) => Promise<T>, every?: number): Resource<T> {
  const [value, setValue] = useState<T>();
  const [error, setError] = useState<ApiError>();
  const [round, setRound] = useState(0);
  const fetchNow = useRef(fetch);
  fetchNow.current = fetch;
  const reload = useCallback(() => setRound((count) => count + 1), []);

  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async (): Promise<void> => {
      try {
        if (!document.hidden || every === undefined) {
          const next = await fetchNow.current(abort.signal);
          if (abort.signal.aborted) return;
          setValue(next);
          setError(undefined);
        }
      } catch (cause) {
        if (abort.signal.aborted) return;
        setError(toApiError(cause));
      }
      if (every !== undefined && !abort.signal.aborted) timer = setTimeout(load, every);
    };
    void load();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [round, every]);

  return { value, error, reload };
}

export function toApiError(cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause;
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new ApiError({ code: 'page_error', message: 'Something went wrong in this page.', hint: detail });
}
