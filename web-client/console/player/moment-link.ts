/**
 * Reads the moment of a deep link, `?t=`: seconds (`83.5`), a clock (`1:23`, `1:02:03`) or units (`1h2m3s`, `90s`).
 * Milliseconds; nothing when it is none of these.
 */
export function parseMoment(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined || text.length > 20) return undefined;
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  const clock = /^(?:(\d+):)?(\d{1,2}):(\d{2}(?:\.\d+)?)$/.exec(text);
  if (clock !== null) return milliseconds(clock[1], clock[2], clock[3]);
  const units = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$/.exec(text);
  return units === null || text === '' ? undefined : milliseconds(units[1], units[2], units[3]);
}

/** What `parseMoment` reads back: seconds, to the tenth. */
export function formatMomentParameter(at: number): string {
  return String(Math.max(0, Math.round(at / 100) / 10));
}

function milliseconds(hours = '0', minutes = '0', seconds = '0'): number {
  return Math.round((Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000);
}
