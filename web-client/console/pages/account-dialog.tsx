import { useState } from 'preact/hooks';
import { type AccountFields, gateway } from '../api/gateway.ts';
import type { Account, AccountType, Target } from '../api/types.ts';
import { type AccountLookup, type Provider, vault } from '../api/vault.ts';
import { hasRole, useIdentity } from '../identity.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { CheckField, Field, SelectField } from '../ui/fields.tsx';
import { useResource } from '../ui/use-resource.ts';
import { accountName } from './desktops.tsx';

/** Where the password of an account is: in a few words, and in a sentence. */
export const typeTexts: Readonly<Record<AccountType, readonly [short: string, sentence: string]>> = {
  vaulted: ['Kept here', 'Kept here, encrypted.'],
  prompted: ['Asked of whoever connects', 'Asked of whoever connects, each time. It is not kept.'],
  directory: ['Own directory account', 'Whoever connects uses her own directory account, and gives its password.'],
  provider: ['From a provider', 'Comes from a credential provider.'],
};

/** The account's name, or what stands for it where whoever connects says it. */
export function nameOf(account: Pick<Account, 'username' | 'domain' | 'type'>): string {
  if (account.type === 'directory') return 'Own directory account';
  return account.username === '' ? 'Any account' : accountName(account);
}

interface AccountDialogProps {
  readonly target: Target;
  readonly account: Account | undefined;
  close(): void;
}

export function AccountDialog({ target, account, close }: AccountDialogProps) {
  const { user } = useIdentity();
  const [username, setUsername] = useState(account?.username ?? '');
  const [domain, setDomain] = useState(account?.domain ?? '');
  const [password, setPassword] = useState('');
  const [type, setType] = useState<AccountType>(account?.type ?? 'vaulted');
  const [masterPassword, setMasterPassword] = useState(account?.masterPassword ?? false);
  const [source, setSource] = useState<{ readonly providerId: string; readonly lookup: AccountLookup }>();
  const keepsVault = hasRole(user, 'vault-admin');
  const perform = (): Promise<unknown> => {
    const fields: AccountFields = {
      username: type === 'directory' ? '' : username.trim(),
      domain: domain.trim(),
      type,
      masterPassword: type === 'vaulted' || type === 'provider' ? masterPassword : false,
      ...(type === 'vaulted' && password !== '' ? { password } : {}),
      ...(type === 'provider' && source !== undefined ? source : {}),
    };
    if (account === undefined) return gateway.addAccount(target.id, fields);
    return gateway.changeAccount(target.id, account.id, fields);
  };
  const needsPassword = type === 'vaulted' && account?.type !== 'vaulted';
  return (
    <Dialog
      title={account === undefined ? `Add an account to ${target.name}` : `Edit ${nameOf(account)}`}
      action={account === undefined ? 'Add account' : 'Save'}
      testId="save-account"
      perform={perform}
      close={close}
    >
      <SelectField
        label="Password"
        name="account-type"
        value={type}
        change={(chosen) => setType(chosen as AccountType)}
        options={(Object.keys(typeTexts) as AccountType[]).map((each) => [each, typeTexts[each][0]])}
        help={typeTexts[type][1]}
      />
      <div class="field-row">
        {type !== 'directory' && (
          <Field
            label={type === 'prompted' ? 'User name (optional)' : 'User name'}
            name="account-username"
            required={type !== 'prompted'}
            autocomplete="off"
            spellcheck={false}
            autocapitalize="none"
            value={username}
            change={setUsername}
            help={type === 'prompted' ? 'Empty: whoever connects says it.' : undefined}
          />
        )}
        <Field
          label="Domain (optional)"
          name="account-domain"
          autocomplete="off"
          spellcheck={false}
          value={domain}
          change={setDomain}
          help={type === 'directory' ? 'For users whose profile names none.' : undefined}
        />
      </div>
      {type === 'vaulted' && (
        <Field
          label="Password"
          name="account-password"
          type="password"
          autocomplete="new-password"
          required={needsPassword}
          value={password}
          change={setPassword}
          help={
            needsPassword
              ? 'Kept encrypted. People who connect never see it, unless their policy permits that.'
              : 'Leave it empty to keep the present one.'
          }
        />
      )}
      {type === 'provider' && keepsVault && <SourceFields account={account} change={setSource} />}
      {(type === 'vaulted' || type === 'provider') && (
        <CheckField name="account-master" checked={masterPassword} change={setMasterPassword}>
          Whoever uses it gives her master password
        </CheckField>
      )}
    </Dialog>
  );
}

interface SourceFieldsProps {
  readonly account: Account | undefined;
  change(source: { readonly providerId: string; readonly lookup: AccountLookup }): void;
}

/** Which provider, and what of it. */
function SourceFields({ account, change }: SourceFieldsProps) {
  const { value } = useResource(async (signal) => ({
    providers: await vault.providers(signal),
    present: account === undefined ? undefined : await vault.account(account.id, signal),
  }));
  const [providerId, setProviderId] = useState<string>();
  const [lookup, setLookup] = useState<AccountLookup>();
  if (value === undefined) return null;
  const chosen = providerId ?? value.present?.provider?.id ?? '';
  const provider: Provider | undefined = value.providers.find(({ id }) => id === chosen);
  const what = lookup ?? value.present?.lookup ?? {};
  const set = (part: AccountLookup): void => {
    setLookup({ ...what, ...part });
    change({ providerId: chosen, lookup: { ...what, ...part } });
  };
  if (value.providers.length === 0) {
    return (
      <p class="note">
        There is no provider yet. <a href="/admin/vault/providers">Add one first.</a>
      </p>
    );
  }
  return (
    <>
      <SelectField
        label="Provider"
        name="account-provider"
        value={chosen}
        change={(next) => {
          setProviderId(next);
          change({ providerId: next, lookup: what });
        }}
        options={[['', 'Choose one'], ...value.providers.map(({ id, name }) => [id, name] as const)]}
      />
      {provider?.kind === 'http' && (
        <Field
          label="Reference (optional)"
          name="account-reference"
          value={what.reference ?? ''}
          change={(reference) => set({ reference })}
          help="What the provider knows the account by."
        />
      )}
      {provider?.kind === 'hashicorp' && (
        <div class="field-row">
          <Field
            label="Path of the secret"
            name="account-path"
            required
            spellcheck={false}
            value={what.path ?? ''}
            change={(path) => set({ path })}
          />
          <Field
            label="Field of the password"
            name="account-field"
            spellcheck={false}
            value={what.passwordField ?? 'password'}
            change={(passwordField) => set({ passwordField })}
          />
        </div>
      )}
    </>
  );
}
