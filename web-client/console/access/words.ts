import type { ApprovalStep, Entitlement, Group, PolicyFields, TransferDirection } from '../api/access.ts';
import type { TimeWindow } from '../api/requests.ts';
import type { User } from '../api/types.ts';
import { formatMinutes } from '../requests/words.ts';

export const dayNames = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;

type NameOf = (groupId: string) => string;

/**
 * A policy in one line: `2 of Approvers, then 1 of Owners; reason and ticket; up to 1 hour; Mon–Fri 08–18
 * Europe/Berlin; recorded`. What is as usual is left out.
 */
export function summaryOf(policy: PolicyFields, groupName: NameOf): string {
  const asks = [
    policy.reasonRequired ? 'reason' : '',
    policy.commentRequired ? 'comment' : '',
    policy.ticketRequired ? 'ticket' : '',
  ];
  const recording = { off: 'not recorded', on: 'recorded', required: 'recorded or not at all' } as const;
  const parts = [
    approvalsOf(policy.approval.steps, groupName),
    listOf(asks.filter((word) => word !== '')),
    policy.emergency ? 'emergency access' : '',
    durationOf(policy),
    hoursOf(policy.windows, policy.timeZone),
    policy.recording === null ? '' : recording[policy.recording],
    policy.liveView ? '' : 'not watched live',
    policy.idleMinutes === 0 ? 'no idle limit' : '',
    policy.sessionMinutes === 0 ? '' : `sessions of ${formatMinutes(policy.sessionMinutes)}`,
    transferOf('clipboard', policy.clipboard),
    transferOf('files', policy.files),
    policy.exclusive ? 'exclusive' : '',
    policy.maxSessions === 0 ? '' : `${policy.maxSessions} at a time`,
    policy.stepUp ? 'second factor' : '',
    policy.review ? 'reviewed' : '',
  ];
  return parts.filter((part) => part !== '').join('; ');
}

/** What a summary calls groups. */
export function groupNamer(groups: readonly Group[]): (id: string) => string {
  return (id) => groups.find((group) => group.id === id)?.name ?? 'a group that is gone';
}

function approvalsOf(steps: readonly ApprovalStep[], groupName: NameOf): string {
  if (steps.length === 0) return 'No approval';
  return steps
    .map(({ needed, group }) => (group === null ? `${needed} of any approvers` : `${needed} of ${groupName(group)}`))
    .join(', then ');
}

function durationOf({ minutesChangeable, defaultMinutes, maxMinutes }: PolicyFields): string {
  return minutesChangeable ? `up to ${formatMinutes(maxMinutes)}` : `for ${formatMinutes(defaultMinutes)}`;
}

function transferOf(what: string, direction: TransferDirection): string {
  const texts = { none: `no ${what}`, 'to-remote': `${what} in only`, 'from-remote': `${what} out only`, both: '' };
  return texts[direction];
}

/** `Mon–Fri 08–18, Sat 09:30–12 Europe/Berlin`; empty where it is always. */
export function hoursOf(windows: readonly TimeWindow[], timeZone: string): string {
  if (windows.length === 0) return '';
  const texts = windows.map(({ days, from, to }) => `${daysOf(days)} ${shortTime(from)}–${shortTime(to)}`);
  return `${texts.join(', ')} ${timeZone}`;
}

/** Three days and more that follow each other are a span. */
function daysOf(days: readonly number[]): string {
  const runs: number[][] = [];
  for (const day of [...new Set(days)].sort()) {
    const run = runs.at(-1);
    if (run?.at(-1) === day - 1) run.push(day);
    else runs.push([day]);
  }
  const name = (day: number | undefined): string => dayNames[(day ?? 1) - 1] ?? '';
  return runs
    .map((run) => (run.length > 2 ? `${name(run[0])}–${name(run.at(-1))}` : run.map(name).join(', ')))
    .join(', ');
}

function shortTime(time: string): string {
  return time.endsWith(':00') ? time.slice(0, 2) : time;
}

/** `a`, `a and b`, `a, b and c`. */
export function listOf(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}

/** What an entitlement covers: whole targets first. */
export function scopeOf({ accounts, targets }: Pick<Entitlement, 'accounts' | 'targets'>): readonly string[] {
  if (accounts === 'all') return ['Every account'];
  return [
    ...targets.map(({ name }) => `Every account on ${name}`),
    ...accounts.map(({ username, target }) => `${username} on ${target.name}`),
  ];
}

/** Why nobody could ever get access under these steps; each text is one reason. */
export function approvalWarnings(
  steps: readonly ApprovalStep[],
  groups: readonly Group[],
  users: readonly User[],
): readonly string[] {
  const approvers = users.filter(
    ({ disabled, roles }) => !disabled && (roles.includes('approver') || roles.includes('admin')),
  );
  const able = steps.map(({ group }) => {
    if (group === null) return approvers;
    const members = new Set(groups.find(({ id }) => id === group)?.members.map(({ id }) => id));
    return approvers.filter(({ id }) => members.has(id));
  });
  const warnings = steps.flatMap(({ needed, group }, index) => {
    const count = able[index]?.length ?? 0;
    if (needed <= count) return [];
    const who = group === null ? 'Oriel' : (groups.find(({ id }) => id === group)?.name ?? 'the group');
    const have = count === 0 ? 'nobody' : `only ${count}`;
    return [`${needed} of ${group === null ? 'any approvers' : who} must approve, and ${have} in ${who} can.`];
  });
  if (warnings.length > 0) return warnings;
  // Each person counts for one step only.
  const all = new Set(able.flat().map(({ id }) => id)).size;
  const needed = steps.reduce((sum, step) => sum + step.needed, 0);
  return needed > all ? [`${needed} different people must approve in all, and only ${all} can.`] : [];
}
