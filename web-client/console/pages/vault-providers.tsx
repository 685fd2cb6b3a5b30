import { useState } from 'preact/hooks';
import { type Provider, type ProviderFields, vault } from '../api/vault.ts';
import { Dialog } from '../ui/dialog.tsx';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { Field, SelectField, TextField } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { Table } from '../ui/table.tsx';
import { useResource } from '../ui/use-resource.ts';
import { VaultTabs } from './vault-tabs.tsx';

type Task = { readonly kind: 'add' } | { readonly kind: 'change' | 'remove' | 'try'; readonly provider: Provider };

const kindTexts: Readonly<Record<Provider['kind'], string>> = {
  http: 'HTTP credential provider',
  hashicorp: 'HashiCorp Vault, key-value engine',
};

/** `/admin/vault/providers`: where credentials come from that are not kept here. */
export function VaultProviders() {
  const { value: providers, error, reload } = useResource(vault.providers);
  const [task, setTask] = useState<Task>();
  const [result, setResult] = useState<string>();
  const add = (
    <button type="button" class="button primary" onClick={() => setTask({ kind: 'add' })} data-testid="add-provider">
      <Icon name="add" /> Add provider
    </button>
  );
  return (
    <Page
      title="Credential providers"
      intro="Systems that are asked for a credential each time that somebody connects. Nothing of it is kept."
      actions={providers !== undefined && providers.length > 0 && add}
    >
      <VaultTabs current="/admin/vault/providers" />
      {result !== undefined && (
        <p class="note" role="status" data-testid="try-result">
          <Icon name="check" /> {result}
        </p>
      )}
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {providers === undefined && error === undefined && <Loading what="providers" />}
      {providers?.length === 0 && (
        <EmptyState icon="link" title="No providers yet">
          <p>Add one if your passwords are kept in HashiCorp Vault, or in a system of your own that speaks HTTP.</p>
          {add}
        </EmptyState>
      )}
      {providers !== undefined && providers.length > 0 && (
        <Table columns={['Name', 'Kind', 'Address', 'Accounts']} actions testId="providers">
          {providers.map((provider) => (
            <tr key={provider.id} data-testid="provider">
              <td data-label="Name" class="strong">
                {provider.name}
              </td>
              <td data-label="Kind">{kindTexts[provider.kind]}</td>
              <td data-label="Address" class="mono">
                {provider.url}
              </td>
              <td data-label="Accounts">{provider.accounts}</td>
              <td class="row-actions">
                <button
                  type="button"
                  class="button"
                  onClick={() => {
                    setResult(undefined);
                    setTask({ kind: 'try', provider });
                  }}
                  data-testid="try-provider"
                >
                  Try it<span class="hidden-text">: {provider.name}</span>
                </button>
                <button type="button" class="button" onClick={() => setTask({ kind: 'change', provider })}>
                  Edit<span class="hidden-text"> {provider.name}</span>
                </button>
                <button type="button" class="button danger-text" onClick={() => setTask({ kind: 'remove', provider })}>
                  Remove<span class="hidden-text"> {provider.name}</span>
                </button>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {task !== undefined && (
        <TaskDialog
          key={task.kind}
          task={task}
          tried={setResult}
          close={() => {
            setTask(undefined);
            reload();
          }}
        />
      )}
    </Page>
  );
}

function TaskDialog({ task, tried, close }: { readonly task: Task; tried(result: string): void; close(): void }) {
  if (task.kind === 'add') return <ProviderDialog provider={undefined} close={close} />;
  if (task.kind === 'change') return <ProviderDialog provider={task.provider} close={close} />;
  if (task.kind === 'try') return <TryDialog provider={task.provider} tried={tried} close={close} />;
  return (
    <Dialog
      title={`Remove ${task.provider.name}?`}
      action="Remove provider"
      danger
      testId="confirm-remove-provider"
      perform={() => vault.removeProvider(task.provider.id)}
      close={close}
    >
      <p>Accounts that come from it keep it from being removed: give them another place for their passwords first.</p>
    </Dialog>
  );
}

const empty: Required<ProviderFields> = {
  name: '',
  url: '',
  timeoutMs: 5000,
  ca: '',
  clientCertificate: '',
  namespace: '',
  mount: 'secret',
  version: 2,
  auth: 'token',
  authMount: 'approle',
  roleId: '',
};

function ProviderDialog({ provider, close }: { readonly provider: Provider | undefined; close(): void }) {
  const [kind, setKind] = useState<Provider['kind']>(provider?.kind ?? 'http');
  const [form, setForm] = useState<Required<ProviderFields>>({ ...empty, ...provider });
  const [secrets, setSecrets] = useState({ token: '', secretId: '', clientKey: '' });
  const set = (change: Partial<ProviderFields>): void => setForm((current) => ({ ...current, ...change }));
  const setSecret = (change: Partial<typeof secrets>): void => setSecrets((current) => ({ ...current, ...change }));
  const perform = (): Promise<unknown> => {
    const { name, url, timeoutMs, ca, clientCertificate, ...own } = form;
    const common = { name: name.trim(), url: url.trim(), timeoutMs, ca, clientCertificate };
    const { namespace, mount, version, auth, authMount, roleId } = own;
    const fields = kind === 'http' ? common : { ...common, namespace, mount, version, auth, authMount, roleId };
    const given = Object.fromEntries(Object.entries(secrets).filter(([, value]) => value !== ''));
    if (provider === undefined) return vault.addProvider({ ...fields, ...given, kind });
    return vault.changeProvider(provider.id, { ...fields, ...given });
  };
  const kept = (has: boolean | undefined): string | undefined =>
    has === true ? 'Leave it empty to keep the present one.' : undefined;
  return (
    <Dialog
      title={provider === undefined ? 'Add a credential provider' : `Edit ${provider.name}`}
      action={provider === undefined ? 'Add provider' : 'Save'}
      testId="save-provider"
      perform={perform}
      close={close}
    >
      {provider === undefined && (
        <SelectField
          label="Kind"
          name="kind"
          value={kind}
          change={(chosen) => setKind(chosen as Provider['kind'])}
          options={[
            ['http', kindTexts.http],
            ['hashicorp', kindTexts.hashicorp],
          ]}
        />
      )}
      <Field label="Name" name="name" required value={form.name} change={(name) => set({ name })} />
      <Field
        label="Address"
        name="url"
        required
        spellcheck={false}
        value={form.url}
        placeholder={kind === 'http' ? 'https://credentials.example.com/oriel' : 'https://vault.example.com:8200'}
        change={(url) => set({ url })}
      />
      {kind === 'hashicorp' && (
        <>
          <div class="field-row">
            <Field label="Mount" name="mount" required value={form.mount} change={(mount) => set({ mount })} />
            <SelectField
              label="Version"
              name="version"
              value={String(form.version)}
              change={(version) => set({ version: version === '1' ? 1 : 2 })}
              options={[
                ['2', '2'],
                ['1', '1'],
              ]}
            />
          </div>
          <Field
            label="Namespace (optional)"
            name="namespace"
            value={form.namespace}
            change={(namespace) => set({ namespace })}
          />
          <SelectField
            label="Signs in with"
            name="auth"
            value={form.auth}
            change={(auth) => set({ auth: auth === 'approle' ? 'approle' : 'token' })}
            options={[
              ['token', 'A token'],
              ['approle', 'AppRole'],
            ]}
          />
        </>
      )}
      {kind === 'hashicorp' && form.auth === 'approle' ? (
        <div class="field-row">
          <Field label="Role id" name="roleId" value={form.roleId} change={(roleId) => set({ roleId })} />
          <Field
            label="Secret id"
            name="secretId"
            type="password"
            autocomplete="off"
            value={secrets.secretId}
            change={(secretId) => setSecret({ secretId })}
            help={kept(provider?.hasSecretId)}
          />
        </div>
      ) : (
        <Field
          label={kind === 'http' ? 'Bearer token (optional)' : 'Token'}
          name="token"
          type="password"
          autocomplete="off"
          value={secrets.token}
          change={(token) => setSecret({ token })}
          help={kept(provider?.hasToken)}
        />
      )}
      <details class="more">
        <summary>Time-out and certificates</summary>
        <div class="dialog-body">
          <Field
            label="Time-out in milliseconds"
            name="timeoutMs"
            type="number"
            min="100"
            max="60000"
            required
            value={String(form.timeoutMs)}
            change={(timeoutMs) => set({ timeoutMs: Number(timeoutMs) })}
          />
          <TextField
            label="Certificate of its authority (PEM)"
            name="ca"
            maxLength={65_536}
            value={form.ca}
            change={(ca) => set({ ca })}
            help="Empty: the authorities that this machine knows."
          />
          <TextField
            label="Client certificate (PEM)"
            name="clientCertificate"
            maxLength={65_536}
            value={form.clientCertificate}
            change={(clientCertificate) => set({ clientCertificate })}
          />
          <TextField
            label="Its private key (PEM)"
            name="clientKey"
            maxLength={65_536}
            value={secrets.clientKey}
            change={(clientKey) => setSecret({ clientKey })}
            help={kept(provider?.hasClientKey)}
          />
        </div>
      </details>
    </Dialog>
  );
}

interface TryDialogProps {
  readonly provider: Provider;
  /** What came of it, in words. */
  tried(result: string): void;
  close(): void;
}

function TryDialog({ provider, tried, close }: TryDialogProps) {
  const [username, setUsername] = useState('');
  const [what, setWhat] = useState('');
  const lookup = provider.kind === 'http' ? { reference: what } : { path: what };
  return (
    <Dialog
      title={`Try ${provider.name}`}
      action="Try it"
      testId="perform-try"
      perform={async () => {
        const found = await vault.tryProvider(provider.id, { username, domain: '', lookup });
        const whose = found.username === null ? '' : ` for ${found.username}`;
        tried(`${provider.name} gave a credential${whose}, in ${found.milliseconds} ms.`);
      }}
      close={close}
    >
      <p>Oriel asks it for a credential now, and throws it away. What it is, is shown to nobody.</p>
      {provider.kind === 'http' && (
        <Field label="User name of the account" name="try-username" value={username} change={setUsername} />
      )}
      <Field
        label={provider.kind === 'http' ? 'Reference (optional)' : 'Path of the secret'}
        name="try-what"
        required={provider.kind === 'hashicorp'}
        value={what}
        change={setWhat}
      />
    </Dialog>
  );
}
