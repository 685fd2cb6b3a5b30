/** Who could reach what, from the history of what entitles: pure. Times are milliseconds since the epoch. */

/** What was so from one moment to before another. */
export interface Interval {
  readonly from: number;
  /** Infinity: still so. */
  readonly to: number;
}

/** A row of a table, while it was so. */
export interface HistoryRow extends Interval {
  readonly table: string;
  readonly row: Readonly<Record<string, string | number | null>>;
}

/** Somebody could use an account, by one entitlement under one policy. */
export interface Reach extends Interval {
  readonly userId: string;
  readonly person: string;
  readonly targetId: string;
  readonly target: string;
  readonly accountId: string;
  readonly account: string;
  readonly group: string;
  readonly policyId: string;
  readonly policy: string;
  /** What the policy said then. */
  readonly rulesJson: string;
}

/**
 * @param mayConnect whether these roles may open sessions at all
 * @param range what is outside of it is left out; what reaches into it is whole
 */
export function reachOf(
  history: readonly HistoryRow[],
  range: Interval,
  mayConnect: (rolesJson: string) => boolean,
): Reach[] {
  const within = history.filter(({ from, to }) => from < range.to && to > range.from);
  const of = (table: string) => within.filter((row) => row.table === table);
  const users = Map.groupBy(
    of('users').filter(({ row }) => row.disabled === 0 && mayConnect(String(row.roles_json))),
    ({ row }) => row.id,
  );
  const members = Map.groupBy(of('group_members'), ({ row }) => row.group_id);
  const accounts = of('accounts');
  const accountsById = Map.groupBy(accounts, ({ row }) => row.id);
  const accountsByTarget = Map.groupBy(accounts, ({ row }) => row.target_id);
  const listed = Map.groupBy(of('entitlement_accounts'), ({ row }) => row.entitlement_id);
  const targets = Map.groupBy(of('entitlement_targets'), ({ row }) => row.entitlement_id);
  const policies = Map.groupBy(of('policies'), ({ row }) => row.id);
  const groupNames = namesOf(of('groups'));
  const targetNames = namesOf(of('targets'));

  const found: Reach[] = [];
  for (const entitlement of of('entitlements')) {
    const { id, group_id: groupId, policy_id: policyId, all_accounts: all } = entitlement.row;
    const scope: (readonly HistoryRow[])[] = [
      ...(all === 1 ? accounts.map((account) => [account]) : []),
      ...(listed.get(id as string) ?? []).flatMap((entry) =>
        (accountsById.get(entry.row.account_id as string) ?? []).map((account) => [account, entry]),
      ),
      ...(targets.get(id as string) ?? []).flatMap((entry) =>
        (accountsByTarget.get(entry.row.target_id as string) ?? []).map((account) => [account, entry]),
      ),
    ];
    const people = (members.get(groupId as string) ?? []).flatMap((member) =>
      (users.get(member.row.user_id as string) ?? []).map((user) => [user, member] as const),
    );
    const rules = policies.get(policyId as string) ?? [];
    for (const [user, member] of people) {
      for (const [account, ...entry] of scope) {
        for (const policy of rules) {
          const interval = intersection([entitlement, user, member, account as HistoryRow, ...entry, policy]);
          if (interval.from >= interval.to || interval.from >= range.to || interval.to <= range.from) continue;
          const { row } = account as HistoryRow;
          const domain = row.domain === '' || row.domain === null ? '' : `${row.domain}\\`;
          found.push({
            ...interval,
            userId: String(user.row.id),
            person: String(user.row.username),
            targetId: String(row.target_id),
            target: targetNames.get(row.target_id as string) ?? '',
            accountId: String(row.id),
            // Nobody's name: it is said, or found in the directory, by whoever connects.
            account: row.username === '' ? `${domain}(whoever connects)` : `${domain}${row.username}`,
            group: groupNames.get(groupId as string) ?? '',
            policyId: String(policyId),
            policy: String(policy.row.name),
            rulesJson: String(policy.row.rules_json),
          });
        }
      }
    }
  }
  return joined(found);
}

function intersection(rows: readonly Interval[]): Interval {
  return { from: Math.max(...rows.map(({ from }) => from)), to: Math.min(...rows.map(({ to }) => to)) };
}

/** The last name that each had. */
function namesOf(rows: readonly HistoryRow[]): Map<string, string> {
  const sorted = [...rows].sort((a, b) => a.from - b.from);
  return new Map(sorted.map(({ row }) => [String(row.id), String(row.name)]));
}

/** What goes on without a break is one: somebody's roles that changed, a target that got another name. */
function joined(reaches: readonly Reach[]): Reach[] {
  const keyOf = (reach: Reach) =>
    JSON.stringify([reach.userId, reach.accountId, reach.account, reach.group, reach.policyId, reach.rulesJson]);
  const result: Reach[] = [];
  for (const same of Map.groupBy(reaches, keyOf).values()) {
    let open: Reach | undefined;
    for (const reach of same.sort((a, b) => a.from - b.from)) {
      if (open !== undefined && reach.from <= open.to) open = { ...open, to: Math.max(open.to, reach.to) };
      else {
        if (open !== undefined) result.push(open);
        open = reach;
      }
    }
    if (open !== undefined) result.push(open);
  }
  const order = (a: Reach, b: Reach) =>
    a.person.localeCompare(b.person) || a.target.localeCompare(b.target) || a.account.localeCompare(b.account);
  return result.sort((a, b) => order(a, b) || a.from - b.from);
}
