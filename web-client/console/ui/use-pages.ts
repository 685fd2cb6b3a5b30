import { useState } from 'preact/hooks';
import type { ApiError } from '../api/request.ts';
import { joinPages } from './join-pages.ts';
import { toApiError, useResource } from './use-resource.ts';

const PAGE_SIZE = 50;

export interface PagedList<T> {
  readonly list: readonly T[] | undefined;
  /** Whether there may be older ones. */
  readonly more: boolean;
  readonly loadingMore: boolean;
  readonly error: ApiError | undefined;
  loadMore(): void;
  reload(): void;
}

/** Which ones of a list, the newest first: so many that come after this one. */
export interface PageQuery<Id> {
  readonly limit: number;
  readonly after?: Id;
}

/**
 * The newest of a list, kept fresh, and as many older pages as were asked for.
 *
 * @param fetch must not change its meaning while the component lives
 * @param every milliseconds between refreshes of the newest
 */
export function usePages<T extends { readonly id: unknown }>(
  fetch: (page: PageQuery<T['id']>, signal?: AbortSignal) => Promise<readonly T[]>,
  every: number,
): PagedList<T> {
  const first = useResource((signal) => fetch({ limit: PAGE_SIZE }, signal), every);
  /** What was on the page when older ones were asked for, and those. */
  const [known, setKnown] = useState<readonly T[]>([]);
  const [atEnd, setAtEnd] = useState(false);
  const [loadingMore, setLoadingMore] = useState(false);
  const [moreError, setMoreError] = useState<ApiError>();
  const list = first.value && joinPages(first.value, known, PAGE_SIZE);

  const loadMore = async (): Promise<void> => {
    const last = list?.at(-1);
    if (last === undefined) return;
    setLoadingMore(true);
    setMoreError(undefined);
    try {
      const page = await fetch({ limit: PAGE_SIZE, after: last.id });
      setKnown([...(list ?? []), ...page]);
      setAtEnd(page.length < PAGE_SIZE);
    } catch (cause) {
      setMoreError(toApiError(cause));
    }
    setLoadingMore(false);
  };
  const reload = (): void => {
    // What was done may have moved any of them out of the list.
    setKnown([]);
    setAtEnd(false);
    setMoreError(undefined);
    first.reload();
  };
  return {
    list,
    more: !atEnd && (first.value?.length ?? 0) >= PAGE_SIZE,
    loadingMore,
    error: moreError ?? first.error,
    loadMore,
    reload,
  };
}
