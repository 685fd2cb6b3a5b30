/** Where a request is. The four last are final. */
export const requestStates = ['pending', 'approved', 'available', 'denied', 'revoked', 'expired', 'completed'] as const;
export type RequestState = (typeof requestStates)[number];

/** What each state may become. Whatever is not here does not happen. */
const ways: Readonly<Record<RequestState, readonly RequestState[]>> = {
  pending: ['approved', 'available', 'denied', 'revoked', 'expired', 'completed'],
  approved: ['available', 'revoked', 'expired', 'completed'],
  available: ['revoked', 'expired', 'completed'],
  denied: [],
  revoked: [],
  expired: [],
  completed: [],
};

export function mayBecome(from: RequestState, to: RequestState): boolean {
  return ways[from].includes(to);
}

export function isFinal(state: RequestState): boolean {
  return ways[state].length === 0;
}

export const openStates = requestStates.filter((state) => !isFinal(state));
export const finalStates = requestStates.filter(isFinal);

/** What of a request time acts on. Milliseconds since the epoch. */
export interface Timing {
  readonly state: RequestState;
  /** Null until access is granted. */
  readonly startAt: number | null;
  readonly endAt: number | null;
  /** When the state changes by itself; null where it never will. */
  readonly dueAt: number | null;
}

/**
 * What a request is now by the clock alone. Begin and end belong to it like those of a working day: at the very
 * millisecond of its begin it is available, at the very millisecond of its end it is over.
 */
export function atTime(timing: Timing, now: number): RequestState {
  const { state, startAt, endAt, dueAt } = timing;
  if (dueAt === null || dueAt > now) return state;
  if (state === 'approved' && startAt !== null && endAt !== null) return endAt > now ? 'available' : 'expired';
  return 'expired';
}

/** The times of a request that is granted now. */
export function grantedTimes(wantedAt: number | null, minutes: number, now: number): Timing & { startAt: number } {
  const startAt = Math.max(wantedAt ?? now, now);
  const endAt = (wantedAt ?? now) + minutes * 60_000;
  const state = startAt > now ? 'approved' : 'available';
  return { state, startAt, endAt, dueAt: state === 'approved' ? startAt : endAt };
}

/** How long a request waits: until what it was for is over, or as long as its policy says. */
export function pendingUntil(wantedAt: number | null, minutes: number, pendingMinutes: number, now: number): number {
  return wantedAt === null ? now + pendingMinutes * 60_000 : wantedAt + minutes * 60_000;
}
