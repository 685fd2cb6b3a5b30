/**
 * A list of which the first page was fetched anew. What newer ones pushed off that page stays; what is gone from amid it
 * is gone: it was deleted, or is no longer what was asked for.
 *
 * @param first as many as `pageSize`, or all there are
 * @param known the list as it was before
 */
export function joinPages<T extends { readonly id: unknown }>(
  first: readonly T[],
  known: readonly T[],
  pageSize: number,
): readonly T[] {
  if (first.length < pageSize) return first;
  const fresh = new Set(first.map(({ id }) => id));
  return [...first, ...known.slice(known.findLastIndex(({ id }) => fresh.has(id)) + 1)];
}
