import { useState } from 'preact/hooks';
import { access, type Group } from '../api/access.ts';
import { gateway } from '../api/gateway.ts';
import type { Role, User } from '../api/types.ts';
import { formatMoment } from '../format.ts';
import { useIdentity } from '../identity.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { ErrorNote, Loading } from '../ui/feedback.tsx';
import { CheckField, Field } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { PickList } from '../ui/pick-list.tsx';
import { RoleFields } from '../ui/role-fields.tsx';
import { Table } from '../ui/table.tsx';
import { useResource } from '../ui/use-resource.ts';
import { SignInsDialog } from './user-sign-ins.tsx';

type Task = { readonly kind: 'add' } | { readonly kind: 'change' | 'remove' | 'sign-ins'; readonly user: User };

export function Users() {
  const { user: self } = useIdentity();
  const { value, error, reload } = useResource(readUsers);
  const { users, groups = [] } = value ?? {};
  const [task, setTask] = useState<Task>();
  const close = (): void => {
    setTask(undefined);
    reload();
  };
  return (
    <Page
      title="Users"
      intro="People who may sign in to Oriel."
      actions={
        <button type="button" class="button primary" onClick={() => setTask({ kind: 'add' })} data-testid="add-user">
          <Icon name="add" /> Add user
        </button>
      }
    >
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {users === undefined && error === undefined && <Loading what="users" />}
      {users !== undefined && (
        <Table columns={['User name', 'Roles', 'Groups', 'Added']} actions testId="users">
          {users.map((user) => (
            <tr key={user.id} data-testid="user-row">
              <td data-label="User name" class="strong">
                {user.username} {user.id === self.id && <span class="quiet small">you</span>}
                {user.disabled && <span class="tag">Disabled</span>}{' '}
                {user.secondFactor && <span class="tag">Two-step</span>}{' '}
                {!user.hasPassword && (
                  <span class="tag">{user.directoryAccount === null ? 'Single sign-on' : 'Directory'}</span>
                )}{' '}
                {user.displayName !== null && <span class="quiet small">{user.displayName}</span>}
              </td>
              <td data-label="Roles">{user.roles.join(', ') || <span class="quiet">none</span>}</td>
              <td data-label="Groups" class="access-list">
                {groupsOf(user, groups)
                  .map(({ name }) => name)
                  .join(', ') || <span class="quiet">none</span>}
              </td>
              <td data-label="Added" class="moment">
                {formatMoment(user.createdAt)}
              </td>
              <td class="row-actions">
                <button type="button" class="button" onClick={() => setTask({ kind: 'change', user })}>
                  Edit<span class="hidden-text"> {user.username}</span>
                </button>
                <button type="button" class="button" onClick={() => setTask({ kind: 'sign-ins', user })}>
                  Sign-ins<span class="hidden-text"> of {user.username}</span>
                </button>
                {user.id !== self.id && (
                  <button type="button" class="button danger-text" onClick={() => setTask({ kind: 'remove', user })}>
                    Remove<span class="hidden-text"> {user.username}</span>
                  </button>
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
      {task?.kind === 'add' && <AddDialog close={close} />}
      {task?.kind === 'change' && (
        <ChangeDialog user={task.user} groups={groups} self={task.user.id === self.id} close={close} />
      )}
      {task?.kind === 'sign-ins' && <SignInsDialog user={task.user} close={close} />}
      {task?.kind === 'remove' && (
        <Dialog
          title={`Remove ${task.user.username}?`}
          action="Remove user"
          danger
          perform={() => gateway.removeUser(task.user.id)}
          close={close}
        >
          <p>Open sessions of {task.user.username} end at once. Recordings and the audit log stay.</p>
        </Dialog>
      )}
    </Page>
  );
}

async function readUsers(signal: AbortSignal) {
  const [users, groups] = await Promise.all([gateway.users(signal), access.groups(signal)]);
  return { users, groups };
}

function groupsOf({ id }: User, groups: readonly Group[]): readonly Group[] {
  return groups.filter(({ members }) => members.some((member) => member.id === id));
}

function AddDialog({ close }: { close(): void }) {
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [email, setEmail] = useState('');
  const [roles, setRoles] = useState<readonly Role[]>(['user']);
  return (
    <Dialog
      title="Add a user"
      action="Add user"
      testId="save-user"
      perform={() => gateway.addUser({ username: username.trim(), password, roles, email: email.trim() || null })}
      close={close}
    >
      <Field
        label="User name"
        name="new-username"
        required
        maxLength={64}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        value={username}
        change={setUsername}
      />
      <PasswordField value={password} change={setPassword} required />
      <EmailField value={email} change={setEmail} />
      <RoleFields roles={roles} change={setRoles} />
    </Dialog>
  );
}

interface ChangeDialogProps {
  readonly user: User;
  readonly groups: readonly Group[];
  readonly self: boolean;
  close(): void;
}

function ChangeDialog({ user, groups, self, close }: ChangeDialogProps) {
  const [password, setPassword] = useState('');
  const [email, setEmail] = useState(user.email ?? '');
  const [roles, setRoles] = useState<readonly Role[]>(user.roles);
  const [disabled, setDisabled] = useState(user.disabled);
  const [joined, setJoined] = useState<readonly string[]>(() => groupsOf(user, groups).map(({ id }) => id));
  const save = async (): Promise<void> => {
    await gateway.changeUser(user.id, {
      roles,
      disabled,
      email: email.trim() || null,
      ...(password === '' ? {} : { password }),
    });
    await changeMembership(user, groups, joined);
  };
  return (
    <Dialog title={`Edit ${user.username}`} action="Save" testId="save-user" perform={save} close={close}>
      <RoleFields roles={roles} change={setRoles} />
      <PasswordField value={password} change={setPassword} required={false} />
      <EmailField value={email} change={setEmail} />
      <PickList
        legend="Groups"
        things="groups"
        testId="user-groups"
        choices={groups.map(({ id, name, description }) => ({ id, text: name, detail: description }))}
        picked={joined}
        change={setJoined}
        help="What was opened through a group ends when the user leaves it."
      />
      {!self && (
        <CheckField checked={disabled} change={setDisabled}>
          Disabled: may not sign in; open sessions end
        </CheckField>
      )}
    </Dialog>
  );
}

/** Puts a user into these groups and no others. */
async function changeMembership(user: User, groups: readonly Group[], joined: readonly string[]): Promise<void> {
  const before = new Set(groupsOf(user, groups).map(({ id }) => id));
  const changing = new Set(groups.filter(({ id }) => before.has(id) !== joined.includes(id)).map(({ id }) => id));
  if (changing.size === 0) return;
  // As they are now: somebody else may have changed them since the page was read.
  for (const group of await access.groups()) {
    if (!changing.has(group.id)) continue;
    const others = group.members.map(({ id }) => id).filter((id) => id !== user.id);
    await access.changeGroup(group.id, { members: joined.includes(group.id) ? [...others, user.id] : others });
  }
}

interface PasswordFieldProps {
  readonly value: string;
  readonly required: boolean;
  change(value: string): void;
}

function PasswordField({ value, required, change }: PasswordFieldProps) {
  return (
    <Field
      label={required ? 'Password' : 'New password'}
      name="new-password"
      type="password"
      autocomplete="new-password"
      minLength={8}
      required={required}
      value={value}
      change={change}
      help={
        required ? 'At least 8 characters.' : 'Leave it empty to keep the present one. A new one signs the user out.'
      }
    />
  );
}

function EmailField({ value, change }: { readonly value: string; change(value: string): void }) {
  return (
    <Field
      label="Mail address"
      name="email"
      maxLength={254}
      autocomplete="off"
      spellcheck={false}
      value={value}
      change={change}
      help="Where notifications go; may be empty."
    />
  );
}
