import { useState } from 'preact/hooks';
import { AccessNote } from '../access/access-note.tsx';
import { approvalWarnings, groupNamer, summaryOf } from '../access/words.ts';
import { access, type Entitlement, type Group, type Policy } from '../api/access.ts';
import { gateway } from '../api/gateway.ts';
import type { User } from '../api/types.ts';
import { matches } from '../format.ts';
import { Dialog } from '../ui/dialog.tsx';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { SearchField } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { Table } from '../ui/table.tsx';
import { useResource } from '../ui/use-resource.ts';

export interface PolicyAccess {
  readonly policies: readonly Policy[];
  readonly groups: readonly Group[];
  readonly users: readonly User[];
  readonly entitlements: readonly Entitlement[];
}

/** Policies, with all that they name and that names them. */
export async function readPolicies(signal?: AbortSignal): Promise<PolicyAccess> {
  const [policies, groups, users, entitlements] = await Promise.all([
    access.policies(signal),
    access.groups(signal),
    gateway.users(signal),
    access.entitlements(signal),
  ]);
  return { policies, groups, users, entitlements };
}

export function Policies() {
  const { value, error, reload } = useResource(readPolicies);
  const [search, setSearch] = useState('');
  const [removing, setRemoving] = useState<Policy>();
  const groupName = groupNamer(value?.groups ?? []);
  const found = value?.policies.filter((policy) => matches(search, policy.name, summaryOf(policy, groupName)));
  const add = (
    <a class="button primary" href="/admin/policies/new" data-testid="add-policy">
      <Icon name="add" /> Add policy
    </a>
  );
  return (
    <Page
      title="Policies"
      intro="What access asks for, and what it gives."
      actions={
        value !== undefined &&
        value.policies.length > 0 && (
          <>
            <SearchField label="Search policies" value={search} change={setSearch} />
            {add}
          </>
        )
      }
    >
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {value === undefined && error === undefined && <Loading what="policies" />}
      {value?.policies.length === 0 && (
        <EmptyState icon="policy" title="No policies yet">
          <p>A policy says who approves, how long access lasts and how it is recorded. Entitlements need one.</p>
          {add}
        </EmptyState>
      )}
      {value !== undefined && found !== undefined && found.length > 0 && (
        <Table columns={['Policy', 'Used by']} actions kind="access-table" testId="policies">
          {found.map((policy) => (
            <PolicyRow key={policy.id} policy={policy} access={value} remove={() => setRemoving(policy)} />
          ))}
        </Table>
      )}
      {value !== undefined && value.policies.length > 0 && found?.length === 0 && (
        <EmptyState icon="search" title={`Nothing matches “${search}”`} />
      )}
      {removing !== undefined && (
        <Dialog
          title={`Remove ${removing.name}?`}
          action="Remove policy"
          testId="confirm-remove"
          danger
          perform={() => access.removePolicy(removing.id)}
          close={() => {
            setRemoving(undefined);
            reload();
          }}
        >
          <p>
            {value?.entitlements.some(({ policy }) => policy.id === removing.id)
              ? 'Entitlements use it. It can be removed once none does: remove them, or give them another policy.'
              : 'No entitlement uses it. Access that was asked for under it keeps its rules.'}
          </p>
        </Dialog>
      )}
    </Page>
  );
}

interface PolicyRowProps {
  readonly policy: Policy;
  readonly access: PolicyAccess;
  remove(): void;
}

function PolicyRow({ policy, access: { groups, users, entitlements }, remove }: PolicyRowProps) {
  const using = entitlements.filter((one) => one.policy.id === policy.id);
  const names = [...new Set(using.map(({ group }) => group.name))];
  const path = `/admin/policies/${encodeURIComponent(policy.id)}`;
  return (
    <tr data-testid="policy-row">
      <td data-label="Policy">
        <span class="stacked">
          <a class="strong" href={path}>
            {policy.name}
          </a>
          <span class="quiet small" data-testid="policy-summary">
            {summaryOf(policy, groupNamer(groups))}
          </span>
          {approvalWarnings(policy.approval.steps, groups, users).map((text) => (
            <AccessNote key={text} text={text} />
          ))}
        </span>
      </td>
      <td data-label="Used by" class="access-list">
        {names.length === 0 ? (
          <span class="quiet">nobody</span>
        ) : (
          <a href={`/admin/entitlements?policy=${encodeURIComponent(policy.id)}`}>
            {names.slice(0, 4).join(', ')}
            {names.length > 4 && ` and ${names.length - 4} more`}
          </a>
        )}
      </td>
      <td class="row-actions">
        <a class="button" href={path}>
          Edit<span class="hidden-text"> {policy.name}</span>
        </a>
        <a class="button" href={`/admin/policies/new?copy=${encodeURIComponent(policy.id)}`}>
          Duplicate<span class="hidden-text"> {policy.name}</span>
        </a>
        <button type="button" class="button danger-text" onClick={remove}>
          Remove<span class="hidden-text"> {policy.name}</span>
        </button>
      </td>
    </tr>
  );
}
