import { useEffect, useRef, useState } from 'preact/hooks';
import { matches } from '../format.ts';
import { accountName } from '../pages/desktops.tsx';
import type { EntitlementAccess } from '../pages/entitlements.tsx';
import { SearchField, SelectField } from '../ui/fields.tsx';
import { Table } from '../ui/table.tsx';

interface ReachDialogProps {
  readonly access: EntitlementAccess;
  /** To begin with; '' for none. */
  readonly accountId: string;
  close(): void;
}

/** Who can reach one account, through which group and under which policy. */
export function ReachDialog({ access, accountId: first, close }: ReachDialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const [search, setSearch] = useState('');
  const [picked, setPicked] = useState(first);
  useEffect(() => element.current?.showModal(), []);
  const accounts = access.targets.flatMap((target) =>
    target.accounts.map((account) => [account.id, `${accountName(account)} on ${target.name}`] as const),
  );
  const found = accounts.filter(([, text]) => matches(search, text));
  const accountId = found.some(([id]) => id === picked) ? picked : (found[0]?.[0] ?? '');
  const people = reachOf(access, accountId);
  return (
    <dialog ref={element} class="dialog wide-dialog" aria-labelledby="reach-title" onClose={close}>
      <form method="dialog">
        <h2 id="reach-title">Who can reach an account?</h2>
        <div class="dialog-body">
          {accounts.length > 5 && <SearchField label="Search accounts" value={search} change={setSearch} />}
          {found.length === 0 ? (
            <p class="quiet">{accounts.length === 0 ? 'There are no accounts yet.' : `Nothing matches “${search}”.`}</p>
          ) : (
            <SelectField label="Account" name="reach-account" value={accountId} change={setPicked} options={found} />
          )}
          {found.length > 0 && people.length === 0 && <p>Nobody: no entitlement gives it to anybody.</p>}
          {people.length > 0 && (
            <Table columns={['User', 'Through group', 'Under policy']} testId="reach-people">
              {people.map(({ key, username, note, group, policy }) => (
                <tr key={key}>
                  <td data-label="User" class="strong">
                    {username} {note !== '' && <span class="quiet small">{note}</span>}
                  </td>
                  <td data-label="Through group">{group}</td>
                  <td data-label="Under policy">{policy}</td>
                </tr>
              ))}
            </Table>
          )}
        </div>
        <div class="dialog-actions">
          <button type="submit" class="button primary">
            Close
          </button>
        </div>
      </form>
    </dialog>
  );
}

interface Reach {
  readonly key: string;
  readonly username: string;
  /** Why this person cannot, though a group of hers may. */
  readonly note: string;
  readonly group: string;
  readonly policy: string;
}

function reachOf({ entitlements, groups, targets, users }: EntitlementAccess, accountId: string): readonly Reach[] {
  const target = targets.find(({ accounts }) => accounts.some(({ id }) => id === accountId));
  const giving = entitlements.filter(
    ({ accounts, targets: whole }) =>
      accounts === 'all' || accounts.some(({ id }) => id === accountId) || whole.some(({ id }) => id === target?.id),
  );
  return giving
    .flatMap(({ id, group, policy }) =>
      (groups.find((one) => one.id === group.id)?.members ?? []).map((member) => {
        const user = users.find((one) => one.id === member.id);
        const may = user?.roles.includes('user') || user?.roles.includes('admin');
        const note = user?.disabled ? 'disabled' : may ? '' : 'no role to connect';
        return { key: `${id} ${member.id}`, username: member.username, note, group: group.name, policy: policy.name };
      }),
    )
    .sort((a, b) => a.username.localeCompare(b.username));
}
