import type { RetentionRule, Watermarks } from '../api/types.ts';
import { formatBytes } from '../format.ts';

/** A rule as its dialog has it: texts, empty where there is no limit. */
export interface RuleForm {
  readonly days: string;
  readonly gigabytes: string;
}

export const emptyRule: RetentionRule = { maxAgeDays: null, maxBytes: null };

export function toRuleForm({ maxAgeDays, maxBytes }: RetentionRule): RuleForm {
  return {
    days: maxAgeDays === null ? '' : String(maxAgeDays),
    gigabytes: maxBytes === null ? '' : gigabytes(maxBytes),
  };
}

export function ruleOf({ days, gigabytes: size }: RuleForm): RetentionRule {
  return {
    maxAgeDays: days.trim() === '' ? null : Math.round(Number(days)),
    maxBytes: size.trim() === '' ? null : bytesOf(size),
  };
}

export function watermarksOf(warn: string, stop: string): Watermarks {
  return { warnFreeBytes: bytesOf(warn), stopFreeBytes: bytesOf(stop) };
}

/** A rule in words, that go on from "kept". */
export function ruleText({ maxAgeDays, maxBytes }: RetentionRule): string {
  const days = maxAgeDays === null ? '' : maxAgeDays === 1 ? '1 day' : `${maxAgeDays} days`;
  const size = maxBytes === null ? '' : `up to ${formatBytes(maxBytes)}`;
  return [days, size].filter((part) => part !== '').join(', ') || 'without limit';
}

/** 1 GB is 1000 MB, as everywhere here. */
export function gigabytes(bytes: number): string {
  return String(Math.round(bytes / 1e6) / 1000);
}

function bytesOf(text: string): number {
  return Math.round(Number(text) * 1e9);
}
