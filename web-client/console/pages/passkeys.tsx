import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { type Passkey, passkeys } from '../api/passkeys.ts';
import { formatMoment } from '../format.ts';
import { Dialog } from '../ui/dialog.tsx';
import { ErrorNote, Loading } from '../ui/feedback.tsx';
import { Field } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { useStepUp } from '../ui/step-up.tsx';
import { Table } from '../ui/table.tsx';
import { useResource } from '../ui/use-resource.ts';
import { browserName } from './browser-name.ts';
import { RecoveryCodes } from './second-factor.tsx';

type Task = { readonly kind: 'add' } | { readonly kind: 'rename' | 'remove'; readonly passkey: Passkey };

/** The own passkeys: added, named, removed. */
export function PasskeysSection({ changed }: { changed(): void }) {
  const { value: list, error, reload } = useResource(passkeys.list);
  const [task, setTask] = useState<Task>();
  const [name, setName] = useState('');
  const [codes, setCodes] = useState<readonly string[]>();
  const { guard, dialog } = useStepUp();
  const begin = (next: Task): void => {
    setName(next.kind === 'add' ? browserName(navigator.userAgent) : next.passkey.name);
    setTask(next);
  };
  const close = (): void => {
    setTask(undefined);
    reload();
    changed();
  };
  const perform = async (): Promise<void> => {
    if (task?.kind === 'rename') await passkeys.rename(task.passkey.id, name);
    if (task?.kind === 'remove') await guard(() => passkeys.remove(task.passkey.id));
    if (task?.kind === 'add') {
      const { recoveryCodes } = await passkeys.add(await guard(passkeys.askNew), name);
      if (recoveryCodes.length > 0) setCodes(recoveryCodes);
    }
  };
  return (
    <section class="setting setting-wide" data-testid="passkeys">
      <h2>Passkeys</h2>
      <p class="field-help">
        Sign in with your finger, your face or a security key instead of a password that could be phished. The secret
        never leaves the device or the password manager that holds it.
      </p>
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {list === undefined && error === undefined && <Loading what="passkeys" />}
      {codes !== undefined && <RecoveryCodes codes={codes} done={() => setCodes(undefined)} />}
      {list?.length === 0 && <p class="quiet">None yet. Add one for each device that you use.</p>}
      {list !== undefined && list.length > 0 && (
        <PasskeyTable
          list={list}
          actions={(passkey) => (
            <>
              <button type="button" class="button" onClick={() => begin({ kind: 'rename', passkey })}>
                Rename<span class="hidden-text"> {passkey.name}</span>
              </button>
              <button type="button" class="button danger-text" onClick={() => begin({ kind: 'remove', passkey })}>
                Remove<span class="hidden-text"> {passkey.name}</span>
              </button>
            </>
          )}
        />
      )}
      <button type="button" class="button" onClick={() => begin({ kind: 'add' })} data-testid="add-passkey">
        <Icon name="add" /> Add a passkey
      </button>
      {task !== undefined && (
        <Dialog
          title={titleOf(task)}
          action={actions[task.kind]}
          danger={task.kind === 'remove'}
          testId="passkey-go-on"
          perform={perform}
          close={close}
        >
          {task.kind === 'remove' ? (
            <p>
              {list?.length === 1
                ? 'It is your last one: from then on you sign in with what else you have.'
                : 'It no longer signs you in. You may delete it on the device too.'}
            </p>
          ) : (
            <Field
              label="Name"
              name="passkey-name"
              help={task.kind === 'add' ? 'By which you know it again: the device that it is on.' : undefined}
              required
              maxLength={128}
              value={name}
              change={setName}
            />
          )}
        </Dialog>
      )}
      {dialog}
    </section>
  );
}

interface PasskeyTableProps {
  readonly list: readonly Passkey[];
  actions(passkey: Passkey): ComponentChildren;
}

/** Also for an administrator's look at somebody else's. */
export function PasskeyTable({ list, actions: actionsOf }: PasskeyTableProps) {
  return (
    <Table columns={['Passkey', 'Added', 'Last used']} actions>
      {list.map((passkey) => (
        <tr key={passkey.id} data-testid="passkey-row">
          <td data-label="Passkey" class="strong">
            <span>
              {passkey.name} {passkey.synced && <span class="tag">Synced</span>}{' '}
              {passkey.cloned && <span class="tag">A copy was seen: not taken any more</span>}
            </span>
          </td>
          <td data-label="Added" class="moment">
            {formatMoment(passkey.createdAt)}
          </td>
          <td data-label="Last used" class="moment">
            {passkey.lastUsedAt === null ? <span class="quiet">never</span> : formatMoment(passkey.lastUsedAt)}
          </td>
          <td class="row-actions">{actionsOf(passkey)}</td>
        </tr>
      ))}
    </Table>
  );
}

const actions: Readonly<Record<Task['kind'], string>> = { add: 'Go on', rename: 'Save', remove: 'Remove' };

function titleOf(task: Task): string {
  if (task.kind === 'add') return 'Add a passkey';
  return task.kind === 'rename' ? `Rename ${task.passkey.name}` : `Remove ${task.passkey.name}?`;
}
