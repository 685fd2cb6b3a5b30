/** TS_TIME_ZONE_INFORMATION ([MS-RDPBCGR] 2.2.1.11.1.1.1.1), which servers use to show the client's local time. */
import type { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { readFixedUtf16, writeFixedUtf16 } from './fixed-text.ts';

/** [MS-RDPBCGR] 2.2.1.11.1.1.1.1.1 TS_SYSTEMTIME: a rule such as "last Sunday of October, 03:00" with `year` 0. */
export interface TransitionDate {
  readonly year: number;
  /** 1 to 12; 0: there is no transition. */
  readonly month: number;
  /** 0 is Sunday. */
  readonly dayOfWeek: number;
  /** Which such day of the month: 1 to 5, 5 is the last. */
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly milliseconds: number;
}

export interface TimeZone {
  /** Minutes; UTC = local time + bias. */
  readonly bias: number;
  readonly standardName: string;
  readonly standardDate: TransitionDate;
  /** Minutes added to `bias` in standard time; usually 0. */
  readonly standardBias: number;
  readonly daylightName: string;
  readonly daylightDate: TransitionDate;
  readonly daylightBias: number;
}

export const NO_TRANSITION: TransitionDate = {
  year: 0,
  month: 0,
  dayOfWeek: 0,
  day: 0,
  hour: 0,
  minute: 0,
  second: 0,
  milliseconds: 0,
};

export const UTC_TIME_ZONE: TimeZone = {
  bias: 0,
  standardName: 'UTC',
  standardDate: NO_TRANSITION,
  standardBias: 0,
  daylightName: 'UTC',
  daylightDate: NO_TRANSITION,
  daylightBias: 0,
};

export const TIME_ZONE_SIZE = 172;

const NAME_SIZE = 64;

/** @pdu TS_TIME_ZONE_INFORMATION */
export function decodeTimeZone(cursor: ReadCursor): TimeZone {
  return {
    bias: cursor.i32('Bias'),
    standardName: readFixedUtf16(cursor, NAME_SIZE, 'StandardName'),
    standardDate: decodeTransitionDate(cursor, 'StandardDate'),
    standardBias: cursor.i32('StandardBias'),
    daylightName: readFixedUtf16(cursor, NAME_SIZE, 'DaylightName'),
    daylightDate: decodeTransitionDate(cursor, 'DaylightDate'),
    daylightBias: cursor.i32('DaylightBias'),
  };
}

export function encodeTimeZone(zone: TimeZone, cursor: WriteCursor): void {
  cursor.i32(zone.bias);
  writeFixedUtf16(zone.standardName, NAME_SIZE, cursor);
  encodeTransitionDate(zone.standardDate, cursor);
  cursor.i32(zone.standardBias);
  writeFixedUtf16(zone.daylightName, NAME_SIZE, cursor);
  encodeTransitionDate(zone.daylightDate, cursor);
  cursor.i32(zone.daylightBias);
}

export function sizeOfTimeZone(): number {
  return TIME_ZONE_SIZE;
}

function decodeTransitionDate(cursor: ReadCursor, field: string): TransitionDate {
  return {
    year: cursor.u16(field),
    month: cursor.u16(field),
    dayOfWeek: cursor.u16(field),
    day: cursor.u16(field),
    hour: cursor.u16(field),
    minute: cursor.u16(field),
    second: cursor.u16(field),
    milliseconds: cursor.u16(field),
  };
}

function encodeTransitionDate(date: TransitionDate, cursor: WriteCursor): void {
  cursor.u16(date.year);
  cursor.u16(date.month);
  cursor.u16(date.dayOfWeek);
  cursor.u16(date.day);
  cursor.u16(date.hour);
  cursor.u16(date.minute);
  cursor.u16(date.second);
  cursor.u16(date.milliseconds);
}
