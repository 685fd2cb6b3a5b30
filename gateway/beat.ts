/** What is looked after now and then, is looked after by this or a multiple of it. */
export const BEAT_MS = 5000;

/** Of the one timer: what is to be done, after so many beats each. */
const listeners = new Set<{ readonly beats: number; readonly act: () => void }>();
let timer: NodeJS.Timeout | undefined;
let count = 0;

/**
 * Does something again and again; does not keep the process alive. Whatever has a multiple of `BEAT_MS` is done in the same turn of the event
 * loop as all else that has: what a process costs that rests is how often it is woken, hardly what it does then.
 *
 * @returns how to end it
 */
export function every(milliseconds: number, act: () => void): () => void {
  if (milliseconds % BEAT_MS !== 0) {
    const own = setInterval(act, milliseconds).unref();
    return () => clearInterval(own);
  }
  const listener = { beats: milliseconds / BEAT_MS, act };
  listeners.add(listener);
  timer ??= setInterval(beat, BEAT_MS).unref();
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function beat(): void {
  count++;
  for (const { beats, act } of listeners) if (count % beats === 0) act();
}
