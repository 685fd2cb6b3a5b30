type Detail = string | number | boolean | null;

/** A list or an object is one text; what is longer is cut. */
const MAX_DETAIL = 1000;

/**
 * What a change came to, for the trail's details: `name` as it is now and `nameBefore` as it was, of those that differ.
 * Secrets are the caller's to leave out.
 */
export function changesOf(before: object, after: object): Record<string, Detail> {
  const details: Record<string, Detail> = {};
  for (const [name, value] of Object.entries(after)) {
    const [now, was] = [detailOf(value), detailOf((before as Record<string, unknown>)[name])];
    if (now === was) continue;
    details[name] = now;
    details[`${name}Before`] = was;
  }
  return details;
}

function detailOf(value: unknown): Detail {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  return (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, MAX_DETAIL);
}
