import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { EntitlementDialog } from '../access/entitlement-dialog.tsx';
import { ReachDialog } from '../access/reach-dialog.tsx';
import { groupNamer, scopeOf, summaryOf } from '../access/words.ts';
import { access, type Entitlement, type Group, type Policy } from '../api/access.ts';
import { gateway } from '../api/gateway.ts';
import type { Target, User } from '../api/types.ts';
import { matches } from '../format.ts';
import { Dialog } from '../ui/dialog.tsx';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { SearchField, SelectField } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { Table } from '../ui/table.tsx';
import { useResource } from '../ui/use-resource.ts';

export interface EntitlementAccess {
  readonly entitlements: readonly Entitlement[];
  readonly groups: readonly Group[];
  readonly policies: readonly Policy[];
  readonly targets: readonly Target[];
  readonly users: readonly User[];
}

type Task =
  | { readonly kind: 'add' }
  | { readonly kind: 'reach'; readonly accountId: string }
  | { readonly kind: 'change' | 'remove'; readonly entitlement: Entitlement };

/** So many accounts and targets stand in a row of the list. */
const SHOWN = 6;

async function readEntitlements(signal?: AbortSignal): Promise<EntitlementAccess> {
  const [entitlements, groups, policies, targets, users] = await Promise.all([
    access.entitlements(signal),
    access.groups(signal),
    access.policies(signal),
    gateway.targets(signal),
    gateway.users(signal),
  ]);
  return { entitlements, groups, policies, targets, users };
}

export function Entitlements() {
  const { query } = useLocation();
  const { value, error, reload } = useResource(readEntitlements);
  const [search, setSearch] = useState('');
  const [group, setGroup] = useState(query.group ?? '');
  const [policy, setPolicy] = useState(query.policy ?? '');
  const [target, setTarget] = useState(query.target ?? '');
  const [task, setTask] = useState<Task | undefined>(
    query.account === undefined ? undefined : { kind: 'reach', accountId: query.account },
  );
  const found = value?.entitlements.filter(
    (one) =>
      (group === '' || one.group.id === group) &&
      (policy === '' || one.policy.id === policy) &&
      (target === '' || covers(one, target)) &&
      matches(search, one.group.name, one.policy.name, ...scopeOf(one)),
  );
  const close = (): void => {
    setTask(undefined);
    reload();
  };
  const add = (
    <button type="button" class="button primary" onClick={() => setTask({ kind: 'add' })} data-testid="add-entitlement">
      <Icon name="add" /> Add entitlement
    </button>
  );
  return (
    <Page
      title="Entitlements"
      intro="Which group may use which accounts, under which policy. What is not here, nobody may use."
      actions={value !== undefined && value.entitlements.length > 0 && add}
    >
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {value === undefined && error === undefined && <Loading what="entitlements" />}
      {value?.entitlements.length === 0 && (
        <EmptyState icon="entitlement" title="No entitlements yet">
          <p>
            Nobody may use any account. Add a <a href="/admin/groups">group</a> and a{' '}
            <a href="/admin/policies">policy</a>, and join them to accounts here.
          </p>
          {add}
        </EmptyState>
      )}
      {value !== undefined && value.entitlements.length > 0 && (
        <div class="filters entitlement-filters">
          <SearchField label="Search" value={search} change={setSearch} />
          <FilterField label="Group" all="All groups" of={value.groups} value={group} change={setGroup} />
          <FilterField label="Target" all="All targets" of={value.targets} value={target} change={setTarget} />
          <FilterField label="Policy" all="All policies" of={value.policies} value={policy} change={setPolicy} />
          <button
            type="button"
            class="button"
            onClick={() => setTask({ kind: 'reach', accountId: '' })}
            data-testid="reach"
          >
            Who can reach…
          </button>
        </div>
      )}
      {value !== undefined && found !== undefined && found.length > 0 && (
        <EntitlementTable access={value} entitlements={found} start={setTask} />
      )}
      {value !== undefined && value.entitlements.length > 0 && found?.length === 0 && (
        <EmptyState icon="search" title="No entitlement matches">
          <button
            type="button"
            class="button"
            onClick={() => {
              for (const clear of [setSearch, setGroup, setPolicy, setTarget]) clear('');
            }}
          >
            Show all
          </button>
        </EmptyState>
      )}
      {value !== undefined && task?.kind === 'reach' && (
        <ReachDialog access={value} accountId={task.accountId} close={close} />
      )}
      {value !== undefined && (task?.kind === 'add' || task?.kind === 'change') && (
        <EntitlementDialog
          access={value}
          entitlement={task.kind === 'change' ? task.entitlement : undefined}
          close={close}
        />
      )}
      {task?.kind === 'remove' && (
        <Dialog
          title="Remove this entitlement?"
          action="Remove entitlement"
          testId="confirm-remove"
          danger
          perform={() => access.removeEntitlement(task.entitlement.id)}
          close={close}
        >
          <p>
            {task.entitlement.group.name} no longer may use this under {task.entitlement.policy.name}. Sessions and
            access that were opened through it end at once.
          </p>
          <Scope entitlement={task.entitlement} />
        </Dialog>
      )}
    </Page>
  );
}

interface FilterFieldProps {
  readonly label: string;
  readonly all: string;
  readonly of: readonly { readonly id: string; readonly name: string }[];
  readonly value: string;
  change(value: string): void;
}

function FilterField({ label, all, of, value, change }: FilterFieldProps) {
  const options = [['', all] as const, ...of.map(({ id, name }) => [id, name] as const)];
  return <SelectField label={label} name={`filter-${label}`} value={value} change={change} options={options} />;
}

interface EntitlementTableProps {
  readonly access: EntitlementAccess;
  readonly entitlements: readonly Entitlement[];
  start(task: Task): void;
}

function EntitlementTable({ access: { policies, groups }, entitlements, start }: EntitlementTableProps) {
  const summaryFor = (id: string): string => {
    const policy = policies.find((one) => one.id === id);
    return policy === undefined ? '' : summaryOf(policy, groupNamer(groups));
  };
  return (
    <Table columns={['Group', 'May use', 'Policy']} actions kind="access-table" testId="entitlements">
      {[...entitlements]
        .sort((a, b) => a.group.name.localeCompare(b.group.name) || a.policy.name.localeCompare(b.policy.name))
        .map((entitlement) => {
          const name = `: ${entitlement.group.name}, ${entitlement.policy.name}`;
          return (
            <tr key={entitlement.id} data-testid="entitlement-row">
              <td data-label="Group" class="strong">
                {entitlement.group.name}
              </td>
              <td data-label="May use" class="access-list">
                <Scope entitlement={entitlement} />
              </td>
              <td data-label="Policy" class="access-list">
                <span class="stacked">
                  <a href={`/admin/policies/${encodeURIComponent(entitlement.policy.id)}`}>{entitlement.policy.name}</a>
                  <span class="quiet small">{summaryFor(entitlement.policy.id)}</span>
                </span>
              </td>
              <td class="row-actions">
                <button type="button" class="button" onClick={() => start({ kind: 'change', entitlement })}>
                  Edit<span class="hidden-text">{name}</span>
                </button>
                <button type="button" class="button danger-text" onClick={() => start({ kind: 'remove', entitlement })}>
                  Remove<span class="hidden-text">{name}</span>
                </button>
              </td>
            </tr>
          );
        })}
    </Table>
  );
}

function Scope({ entitlement }: { readonly entitlement: Entitlement }) {
  const texts = scopeOf(entitlement);
  if (texts.length === 0) return <span class="quiet">nothing: its accounts are gone</span>;
  return (
    <ul class="plain-list">
      {texts.slice(0, SHOWN).map((text) => (
        <li key={text}>{text}</li>
      ))}
      {texts.length > SHOWN && <li class="quiet">and {texts.length - SHOWN} more</li>}
    </ul>
  );
}

/** Whether an entitlement gives anything on a target. */
function covers({ accounts, targets }: Entitlement, target: string): boolean {
  return (
    accounts === 'all' ||
    targets.some(({ id }) => id === target) ||
    accounts.some((account) => account.target.id === target)
  );
}
