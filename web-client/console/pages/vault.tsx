import { useState } from 'preact/hooks';
import { type Rotation, type VaultAccount, vault } from '../api/vault.ts';
import { formatMoment, matches } from '../format.ts';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { SearchField } from '../ui/fields.tsx';
import { Page } from '../ui/page.tsx';
import { Table } from '../ui/table.tsx';
import { useResource } from '../ui/use-resource.ts';
import { nameOf, typeTexts } from './account-dialog.tsx';
import { VaultTabs } from './vault-tabs.tsx';

const EVERY_MS = 10_000;

/** `/admin/vault`: every account, where its password is, and how changing it goes. */
export function VaultPage() {
  const { value: accounts, error, reload } = useResource(vault.accounts, EVERY_MS);
  const [search, setSearch] = useState('');
  const found = accounts?.filter((account) =>
    matches(search, nameOf(account), account.target.name, account.provider?.name, typeTexts[account.type][0]),
  );
  return (
    <Page
      title="Vault"
      intro="Accounts, where their passwords are kept, and how they are changed."
      actions={
        accounts !== undefined &&
        accounts.length > 0 && <SearchField label="Search accounts" value={search} change={setSearch} />
      }
    >
      <VaultTabs current="/admin/vault" />
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {accounts === undefined && error === undefined && <Loading what="accounts" />}
      {accounts?.length === 0 && (
        <EmptyState icon="key" title="No accounts yet">
          <p>Accounts are added to a target, together with where their passwords come from.</p>
          <a class="button primary" href="/admin/targets">
            Go to targets
          </a>
        </EmptyState>
      )}
      {found !== undefined && found.length > 0 && <AccountTable accounts={found} />}
      {accounts !== undefined && accounts.length > 0 && found?.length === 0 && (
        <EmptyState icon="search" title={`Nothing matches “${search}”`} />
      )}
    </Page>
  );
}

function AccountTable({ accounts }: { readonly accounts: readonly VaultAccount[] }) {
  return (
    <Table columns={['Account', 'Password', 'State', 'Last change', 'Next change']} testId="vault-accounts">
      {accounts.map((account) => (
        <tr key={account.id} data-testid="vault-account" data-account={account.id}>
          <td data-label="Account">
            <span class="stacked">
              <a class="strong" href={`/admin/vault/${encodeURIComponent(account.id)}`}>
                {nameOf(account)}
              </a>
              <span class="quiet small">on {account.target.name}</span>
            </span>
          </td>
          <td data-label="Password">
            <span class="stacked">
              {account.provider?.name ?? typeTexts[account.type][0]}
              {account.masterPassword && <span class="quiet small">and a master password</span>}
            </span>
          </td>
          <td data-label="State">
            <RotationTag rotation={account.rotation} />
          </td>
          <td data-label="Last change" class="moment">
            {account.rotation?.lastAt == null ? '–' : formatMoment(account.rotation.lastAt)}
          </td>
          <td data-label="Next change" class="moment">
            {account.rotation?.nextAt == null ? '–' : formatMoment(account.rotation.nextAt)}
          </td>
        </tr>
      ))}
    </Table>
  );
}

const stateTexts: Readonly<Record<Rotation['state'], readonly [text: string, kind: string]>> = {
  ok: ['In order', 'tag tag-good'],
  changing: ['Being changed', 'tag'],
  failed: ['Change failed', 'tag tag-bad'],
  unknown: ['Unsettled', 'tag tag-bad'],
};

/** How changing a password goes, in a word. */
export function RotationTag({ rotation }: { readonly rotation: Rotation | null }) {
  if (rotation === null) return <span class="quiet">Not changed by Oriel</span>;
  const [text, kind] = stateTexts[rotation.state];
  return (
    <span class={kind} data-testid="rotation-state">
      {text}
    </span>
  );
}
