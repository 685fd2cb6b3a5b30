/** When a policy lets people connect: on these days of the week, between these times of day. */
export interface TimeWindow {
  /** ISO 8601 days of the week, 1 Monday to 7 Sunday. */
  readonly days: readonly number[];
  /** `HH:MM` of the policy's time zone. `to` is not part of the window; at or before `from` it is on the next day. */
  readonly from: string;
  readonly to: string;
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
const WEEK_MINUTES = 7 * DAY_MINUTES;

/** Whether a moment lies in one of the windows. No window at all: always. */
export function isWithin(windows: readonly TimeWindow[], timeZone: string, at: number): boolean {
  return windows.length === 0 || minutesLeft(windows, timeZone, at) > 0;
}

/** When the windows that a moment lies in are over, by the clock on the wall there; never, where there is none. */
export function closesAt(windows: readonly TimeWindow[], timeZone: string, at: number): number {
  if (windows.length === 0) return Infinity;
  let end = at;
  // Windows that follow each other without a gap are one; a week of them has no end.
  while (end - at < WEEK_MINUTES * MINUTE_MS) {
    const left = minutesLeft(windows, timeZone, end);
    if (left === 0) return end;
    const begin = Math.floor(end / MINUTE_MS) * MINUTE_MS;
    end = begin + left * MINUTE_MS;
    // By the clock on the wall it may be later then: clocks were put forward, and the window has closed in between.
    const skipped = minuteOfWeek(timeZone, end) - minuteOfWeek(timeZone, begin) - left;
    const ahead = ((skipped % WEEK_MINUTES) + WEEK_MINUTES) % WEEK_MINUTES;
    if (ahead === 0 || ahead > DAY_MINUTES) continue;
    for (let at = Math.max(begin, end - ahead * MINUTE_MS); at < end; at += MINUTE_MS) {
      if (minutesLeft(windows, timeZone, at) === 0) return at;
    }
  }
  return Infinity;
}

/** Whether there is such a time zone, by the IANA's name. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Of the longest window that is open, how many minutes are left, the one that has begun counted whole. */
function minutesLeft(windows: readonly TimeWindow[], timeZone: string, at: number): number {
  const now = minuteOfWeek(timeZone, at);
  const left = windows.flatMap(spansOf).map(([from, length]) => length - ((now - from + WEEK_MINUTES) % WEEK_MINUTES));
  return Math.max(0, ...left);
}

/** As [minute of the week that it begins at, minutes]. */
function spansOf({ days, from, to }: TimeWindow): (readonly [number, number])[] {
  const begins = minuteOfDay(from);
  const length = (minuteOfDay(to) - begins + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES;
  return days.map((day) => [(day - 1) * DAY_MINUTES + begins, length] as const);
}

function minuteOfDay(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return (hours * 60 + minutes) % DAY_MINUTES;
}

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** By the clock on the wall there, whatever it is set to in summer. */
function minuteOfWeek(timeZone: string, at: number): number {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(at);
  const part = (type: string) => parts.find((found) => found.type === type)?.value ?? '';
  return DAYS.indexOf(part('weekday')) * DAY_MINUTES + Number(part('hour')) * 60 + Number(part('minute'));
}
