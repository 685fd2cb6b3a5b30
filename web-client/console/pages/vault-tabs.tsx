import { hasRole, useIdentity } from '../identity.tsx';

const tabs: readonly (readonly [path: string, label: string, accounts: boolean])[] = [
  ['/admin/vault', 'Accounts', true],
  ['/admin/vault/providers', 'Providers', true],
  ['/admin/vault/key', 'Master key', false],
];

/** The vault's pages, above each of them. */
export function VaultTabs({ current }: { readonly current: string }) {
  const { user } = useIdentity();
  const keeps = hasRole(user, 'vault-admin');
  return (
    <nav class="tabs" aria-label="Vault">
      {tabs
        .filter(([, , accounts]) => keeps || !accounts)
        .map(([path, label]) => (
          <a key={path} href={path} aria-current={path === current ? 'page' : undefined}>
            {label}
          </a>
        ))}
    </nav>
  );
}
