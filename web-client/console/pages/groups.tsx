import { useState } from 'preact/hooks';
import { listOf, scopeOf } from '../access/words.ts';
import { access, type Entitlement, type Group, type Policy } from '../api/access.ts';
import { gateway } from '../api/gateway.ts';
import type { User } from '../api/types.ts';
import { matches } from '../format.ts';
import { hasRole, useIdentity } from '../identity.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { Field, SearchField } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { PickList } from '../ui/pick-list.tsx';
import { Table } from '../ui/table.tsx';
import { useResource } from '../ui/use-resource.ts';

type Task = { readonly kind: 'add' } | { readonly kind: 'change' | 'remove'; readonly group: Group };

interface Access {
  readonly groups: readonly Group[];
  readonly users: readonly User[];
  /** Nothing where one may not see them. */
  readonly entitlements: readonly Entitlement[] | undefined;
  readonly policies: readonly Policy[] | undefined;
}

/** So many names stand in a row of the list. */
const NAMES = 8;

export function Groups() {
  const { user } = useIdentity();
  const entitling = hasRole(user, 'policy-admin');
  const { value, error, reload } = useResource<Access>(async (signal) => {
    const [groups, users, entitlements, policies] = await Promise.all([
      access.groups(signal),
      gateway.users(signal),
      entitling ? access.entitlements(signal) : undefined,
      entitling ? access.policies(signal) : undefined,
    ]);
    return { groups, users, entitlements, policies };
  });
  const [search, setSearch] = useState('');
  const [task, setTask] = useState<Task>();
  const found = value?.groups.filter(({ name, description, members }) =>
    matches(search, name, description, ...members.map(({ username }) => username)),
  );
  const add = (
    <button type="button" class="button primary" onClick={() => setTask({ kind: 'add' })} data-testid="add-group">
      <Icon name="add" /> Add group
    </button>
  );
  return (
    <Page
      title="Groups"
      intro="People who get the same access, or who approve together."
      actions={
        value !== undefined &&
        value.groups.length > 0 && (
          <>
            <SearchField label="Search groups and members" value={search} change={setSearch} />
            {add}
          </>
        )
      }
    >
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {value === undefined && error === undefined && <Loading what="groups" />}
      {value?.groups.length === 0 && (
        <EmptyState icon="group" title="No groups yet">
          <p>Access is given to groups. Add one with its members first, then entitle it to accounts.</p>
          {add}
        </EmptyState>
      )}
      {value !== undefined && found !== undefined && found.length > 0 && (
        <GroupTable access={value} groups={found} start={setTask} />
      )}
      {value !== undefined && value.groups.length > 0 && found?.length === 0 && (
        <EmptyState icon="search" title={`Nothing matches “${search}”`} />
      )}
      {value !== undefined && task !== undefined && (
        <TaskDialog
          task={task}
          access={value}
          close={() => {
            setTask(undefined);
            reload();
          }}
        />
      )}
    </Page>
  );
}

interface GroupTableProps {
  readonly access: Access;
  readonly groups: readonly Group[];
  start(task: Task): void;
}

function GroupTable({ access: { entitlements }, groups, start }: GroupTableProps) {
  return (
    <Table
      columns={['Group', 'Members', ...(entitlements === undefined ? [] : ['May use'])]}
      actions
      kind="access-table"
      testId="groups"
    >
      {groups.map((group) => (
        <tr key={group.id} data-testid="group-row">
          <td data-label="Group">
            <span class="stacked">
              <span class="strong">{group.name}</span>
              {group.description !== '' && <span class="quiet small">{group.description}</span>}
            </span>
          </td>
          <td data-label="Members" class="access-list">
            {namesOf(group.members) || <span class="quiet">none</span>}
          </td>
          {entitlements !== undefined && (
            <td data-label="May use" class="access-list">
              <GroupScope entitlements={entitlements.filter((one) => one.group.id === group.id)} />
            </td>
          )}
          <td class="row-actions">
            <button type="button" class="button" onClick={() => start({ kind: 'change', group })}>
              Edit<span class="hidden-text"> {group.name}</span>
            </button>
            <button type="button" class="button danger-text" onClick={() => start({ kind: 'remove', group })}>
              Remove<span class="hidden-text"> {group.name}</span>
            </button>
          </td>
        </tr>
      ))}
    </Table>
  );
}

function GroupScope({ entitlements }: { readonly entitlements: readonly Entitlement[] }) {
  if (entitlements.length === 0) return <span class="quiet">nothing</span>;
  return (
    <span class="stacked">
      {entitlements.map((entitlement) => (
        <span key={entitlement.id}>
          {shortList(scopeOf(entitlement))} <span class="quiet small">under {entitlement.policy.name}</span>
        </span>
      ))}
    </span>
  );
}

interface TaskDialogProps {
  readonly task: Task;
  readonly access: Access;
  close(): void;
}

function TaskDialog({ task, access: all, close }: TaskDialogProps) {
  if (task.kind === 'remove') return <RemoveDialog group={task.group} access={all} close={close} />;
  return <GroupDialog group={task.kind === 'change' ? task.group : undefined} users={all.users} close={close} />;
}

interface GroupDialogProps {
  readonly group: Group | undefined;
  readonly users: readonly User[];
  close(): void;
}

function GroupDialog({ group, users, close }: GroupDialogProps) {
  const [name, setName] = useState(group?.name ?? '');
  const [description, setDescription] = useState(group?.description ?? '');
  const [members, setMembers] = useState<readonly string[]>(() => group?.members.map(({ id }) => id) ?? []);
  const leaving = group?.members.filter(({ id }) => !members.includes(id)) ?? [];
  const perform = (): Promise<unknown> => {
    const fields = { name: name.trim(), description: description.trim(), members };
    return group === undefined ? access.addGroup(fields) : access.changeGroup(group.id, fields);
  };
  return (
    <Dialog
      title={group === undefined ? 'Add a group' : `Edit ${group.name}`}
      action={group === undefined ? 'Add group' : 'Save'}
      testId="save-group"
      perform={perform}
      close={close}
    >
      <Field label="Name" name="group-name" required maxLength={128} value={name} change={setName} />
      <Field
        label="Description (optional)"
        name="group-description"
        maxLength={512}
        value={description}
        change={setDescription}
      />
      <PickList
        legend="Members"
        things="users"
        testId="members"
        choices={users.map(({ id, username, roles }) => ({ id, text: username, detail: roles.join(', ') }))}
        picked={members}
        change={setMembers}
      />
      {leaving.length > 0 && (
        <p class="field-help" role="status" data-testid="leaving">
          {listOf(leaving.map(({ username }) => username))}: what was opened through this group ends at once.
        </p>
      )}
    </Dialog>
  );
}

interface RemoveDialogProps {
  readonly group: Group;
  readonly access: Access;
  close(): void;
}

function RemoveDialog({ group, access: { entitlements, policies }, close }: RemoveDialogProps) {
  const lost = entitlements?.filter((one) => one.group.id === group.id) ?? [];
  const naming = policies?.filter(
    ({ approval, reviewGroup }) => reviewGroup === group.id || approval.steps.some((step) => step.group === group.id),
  );
  return (
    <Dialog
      title={`Remove ${group.name}?`}
      action="Remove group"
      testId="confirm-remove"
      danger
      perform={() => access.removeGroup(group.id)}
      close={close}
    >
      {naming !== undefined && naming.length > 0 && (
        <p>
          {listOf(naming.map(({ name }) => name))} {naming.length === 1 ? 'names' : 'name'} this group for approval or
          review. It can be removed once no policy does.
        </p>
      )}
      <p>
        {group.members.length === 0 ? 'It has no members. ' : `It has ${countOf(group.members.length, 'member')}. `}
        Its entitlements are removed with it, and sessions and access that were opened through them end at once.
      </p>
      {lost.length > 0 && (
        <ul class="bullets" data-testid="lost">
          {lost.map((entitlement) => (
            <li key={entitlement.id}>
              {shortList(scopeOf(entitlement))} under {entitlement.policy.name}
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}

function namesOf(members: Group['members']): string {
  return shortList(members.map(({ username }) => username));
}

function shortList(names: readonly string[]): string {
  const shown = names.slice(0, NAMES).join(', ');
  return names.length > NAMES ? `${shown} and ${names.length - NAMES} more` : shown;
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
