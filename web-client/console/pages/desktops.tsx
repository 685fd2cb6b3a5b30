import { useState } from 'preact/hooks';
import { gateway } from '../api/gateway.ts';
import type { Account, Target } from '../api/types.ts';
import { matches } from '../format.ts';
import { hasRole, useIdentity } from '../identity.tsx';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { SearchField } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { useResource } from '../ui/use-resource.ts';

export function Desktops() {
  const { user } = useIdentity();
  const { value: targets, error, reload } = useResource(gateway.targets);
  const [search, setSearch] = useState('');
  const found = targets?.filter((target) =>
    matches(search, target.name, target.host, ...target.accounts.map(accountName)),
  );

  return (
    <Page
      title="Desktops"
      actions={
        targets !== undefined &&
        targets.length > 0 && <SearchField label="Search desktops" value={search} change={setSearch} />
      }
    >
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {targets === undefined && error === undefined && <Loading what="desktops" />}
      {targets?.length === 0 && (
        <EmptyState icon="desktops" title="No desktops yet">
          {hasRole(user, 'vault-admin') ? (
            <>
              <p>Add the address of a Windows computer and an account to sign in with.</p>
              <a class="button primary" href="/admin/targets">
                Add a target
              </a>
            </>
          ) : (
            <p>Ask an administrator to add the computers that you need.</p>
          )}
        </EmptyState>
      )}
      {targets !== undefined && targets.length > 0 && found?.length === 0 && (
        <EmptyState icon="search" title={`Nothing matches “${search}”`}>
          <button type="button" class="button" onClick={() => setSearch('')}>
            Show all desktops
          </button>
        </EmptyState>
      )}
      {found !== undefined && found.length > 0 && (
        <ul class="cards" data-testid="targets">
          {found.map((target) => (
            <DesktopCard key={target.id} target={target} admin={hasRole(user, 'vault-admin')} />
          ))}
        </ul>
      )}
    </Page>
  );
}

function DesktopCard({ target, admin }: { readonly target: Target; readonly admin: boolean }) {
  const [first, ...others] = target.accounts;
  const [account, setAccount] = useState(first?.id ?? '');
  const path = desktopPath(target, others.length === 0 ? undefined : account);
  return (
    <li class="card" data-testid="target-card" data-target={target.id}>
      <div class="card-head">
        <span class="card-icon">
          <Icon name="desktops" />
        </span>
        <div class="card-title">
          <h2>{first === undefined ? target.name : <a href={path}>{target.name}</a>}</h2>
          <p class="quiet mono">
            {target.host}
            {target.port === 3389 ? '' : `:${target.port}`}
          </p>
        </div>
        {target.demo && <span class="tag">Demo</span>}
      </div>
      <div class="card-foot">
        {first === undefined ? (
          <p class="quiet">
            No account yet. {admin ? <a href="/admin/targets">Add one</a> : 'Ask an administrator to add one.'}
          </p>
        ) : (
          <>
            {others.length === 0 ? (
              <span class="card-account">
                <Icon name="user" /> {accountName(first)}
              </span>
            ) : (
              <select
                aria-label={`Account for ${target.name}`}
                value={account}
                onChange={(event) => setAccount(event.currentTarget.value)}
              >
                {target.accounts.map((choice) => (
                  <option key={choice.id} value={choice.id}>
                    {accountName(choice)}
                  </option>
                ))}
              </select>
            )}
            <a class="button primary" href={path} aria-label={`Connect to ${target.name}`} data-testid="connect">
              Connect
            </a>
          </>
        )}
      </div>
    </li>
  );
}

export function accountName(account: Pick<Account, 'username' | 'domain'>): string {
  return account.domain === '' ? account.username : `${account.domain}\\${account.username}`;
}

export function desktopPath(target: Pick<Target, 'id'>, account?: string): string {
  const path = `/desktop/${encodeURIComponent(target.id)}`;
  return account === undefined ? path : `${path}?account=${encodeURIComponent(account)}`;
}
