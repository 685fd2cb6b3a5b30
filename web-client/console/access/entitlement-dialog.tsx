import { useState } from 'preact/hooks';
import { access, type Entitlement } from '../api/access.ts';
import { ApiError } from '../api/request.ts';
import { accountName } from '../pages/desktops.tsx';
import type { EntitlementAccess } from '../pages/entitlements.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { SelectField } from '../ui/fields.tsx';
import { PickList } from '../ui/pick-list.tsx';
import { groupNamer, summaryOf } from './words.ts';

interface EntitlementDialogProps {
  readonly access: EntitlementAccess;
  readonly entitlement: Entitlement | undefined;
  close(): void;
}

/** Adds an entitlement, or changes one. */
export function EntitlementDialog({ access: all, entitlement, close }: EntitlementDialogProps) {
  const { groups, policies, targets } = all;
  const given = entitlement?.accounts;
  const [group, setGroup] = useState(entitlement?.group.id ?? groups[0]?.id ?? '');
  const [policy, setPolicy] = useState(entitlement?.policy.id ?? policies[0]?.id ?? '');
  const [scope, setScope] = useState<'some' | 'all'>(given === 'all' ? 'all' : 'some');
  const [accounts, setAccounts] = useState<readonly string[]>(() =>
    given === undefined || given === 'all' ? [] : given.map(({ id }) => id),
  );
  const [whole, setWhole] = useState<readonly string[]>(() => entitlement?.targets.map(({ id }) => id) ?? []);
  const [missing, setMissing] = useState(false);
  const chosen = policies.find(({ id }) => id === policy);

  const perform = async (): Promise<void> => {
    const nothing = scope === 'some' && accounts.length === 0 && whole.length === 0;
    setMissing(nothing);
    if (nothing) {
      throw new ApiError({ code: 'nothing_picked', message: 'Nothing is picked yet.' });
    }
    const fields =
      scope === 'all'
        ? { group, policy, accounts: 'all' as const, targets: [] }
        : { group, policy, accounts, targets: whole };
    await (entitlement === undefined
      ? access.addEntitlement(fields)
      : access.changeEntitlement(entitlement.id, fields));
  };
  return (
    <Dialog
      title={entitlement === undefined ? 'Add an entitlement' : `Edit what ${entitlement.group.name} may use`}
      action={entitlement === undefined ? 'Add entitlement' : 'Save'}
      testId="save-entitlement"
      perform={perform}
      close={close}
    >
      <SelectField
        label="Group"
        name="entitlement-group"
        value={group}
        change={setGroup}
        options={groups.map(({ id, name }) => [id, name])}
        error={groups.length === 0 ? 'There is no group yet: add one first.' : undefined}
      />
      <SelectField
        label="Policy"
        name="entitlement-policy"
        value={policy}
        change={setPolicy}
        options={policies.map(({ id, name }) => [id, name])}
        error={policies.length === 0 ? 'There is no policy yet: add one first.' : undefined}
        help={chosen && summaryOf(chosen, groupNamer(groups))}
      />
      <SelectField
        label="May use"
        name="entitlement-scope"
        value={scope}
        change={(value) => setScope(value === 'all' ? 'all' : 'some')}
        options={[
          ['some', 'The accounts and targets picked below'],
          ['all', 'Every account, now and later'],
        ]}
      />
      {scope === 'some' && (
        <>
          <PickList
            legend="Accounts"
            things="accounts"
            testId="accounts"
            choices={targets.flatMap((target) =>
              target.accounts.map((account) => ({
                id: account.id,
                text: accountName(account),
                detail: `on ${target.name}`,
              })),
            )}
            picked={accounts}
            change={setAccounts}
            error={missing ? 'Pick at least one account or target.' : undefined}
          />
          <PickList
            legend="Whole targets"
            things="targets"
            testId="whole-targets"
            choices={targets.map(({ id, name, host }) => ({ id, text: name, detail: host }))}
            picked={whole}
            change={setWhole}
            help="Every account on them, those of later too."
          />
        </>
      )}
      {entitlement !== undefined && (
        <p class="field-help">What was opened through this and no longer may be, ends at once.</p>
      )}
    </Dialog>
  );
}
