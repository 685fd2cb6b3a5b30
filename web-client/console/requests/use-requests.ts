import { useRef, useState } from 'preact/hooks';
import type { ApiError } from '../api/request.ts';
import { type AccessRequest, type RequestFilter, requests } from '../api/requests.ts';
import { toApiError, useResource } from '../ui/use-resource.ts';

const PAGE_SIZE = 50;
/** How often the first page is asked for anew, while it is looked at. */
const EVERY_MS = 10_000;

export interface RequestList {
  readonly list: readonly AccessRequest[] | undefined;
  readonly more: boolean;
  readonly loadingMore: boolean;
  readonly error: ApiError | undefined;
  loadMore(): void;
  reload(): void;
}

/** The newest requests, kept fresh, and as many older pages as were asked for. @param filter of the component's whole life */
export function useRequests(filter: RequestFilter): RequestList {
  const first = useResource((signal) => requests.list({ ...filter, limit: PAGE_SIZE }, signal), EVERY_MS);
  const [older, setOlder] = useState<readonly AccessRequest[]>([]);
  const [end, setEnd] = useState(false);
  const [loadingMore, setLoadingMore] = useState(false);
  const [moreError, setMoreError] = useState<ApiError>();
  // The first page as it was when older ones were asked for: what newer requests push off it stays in the list.
  const before = useRef<readonly AccessRequest[]>([]);
  const list = unique([...(first.value ?? []), ...(older.length === 0 ? [] : before.current), ...older]);
  const last = older.at(-1) ?? first.value?.at(-1);

  const loadMore = async (): Promise<void> => {
    if (last === undefined) return;
    setLoadingMore(true);
    setMoreError(undefined);
    try {
      const page = await requests.list({ ...filter, limit: PAGE_SIZE, after: last.id });
      if (older.length === 0) before.current = first.value ?? [];
      setOlder([...older, ...page]);
      setEnd(page.length < PAGE_SIZE);
    } catch (cause) {
      setMoreError(toApiError(cause));
    }
    setLoadingMore(false);
  };
  const reload = (): void => {
    // What was done may have moved any of them out of the list.
    setOlder([]);
    setEnd(false);
    first.reload();
  };
  return {
    list: first.value === undefined ? undefined : list,
    more: !end && (first.value?.length ?? 0) >= PAGE_SIZE,
    loadingMore,
    error: moreError ?? first.error,
    loadMore,
    reload,
  };
}

/** Each once, as the newest answer has it. */
function unique(list: readonly AccessRequest[]): readonly AccessRequest[] {
  const seen = new Map<string, AccessRequest>();
  for (const one of list) if (!seen.has(one.id)) seen.set(one.id, one);
  return [...seen.values()];
}
