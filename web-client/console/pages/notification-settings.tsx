import { useState } from 'preact/hooks';
import {
  type Audience,
  type Channel,
  type Delivery,
  type MailSettings,
  type NotificationRules,
  policies,
  type Webhook,
} from '../api/account.ts';
import type { ApiError } from '../api/request.ts';
import { formatMoment } from '../format.ts';
import { Dialog } from '../ui/dialog.tsx';
import { ErrorNote, Loading } from '../ui/feedback.tsx';
import { CheckField, Field, PortField, SelectField } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { SavedForm } from '../ui/saved-form.tsx';
import { Table } from '../ui/table.tsx';
import { toApiError, useResource } from '../ui/use-resource.ts';
import { SettingsTabs } from './settings-tabs.tsx';

export const kindTexts: Readonly<Record<string, string>> = {
  'request.submitted': 'Somebody asks for access',
  'request.emergency': 'Somebody takes emergency access',
  'request.approved': 'A request is approved',
  'request.denied': 'A request is denied',
  'request.available': 'Access begins',
  'request.revoked': 'Access is taken back',
  'request.expired': 'Access or a request expires',
  'request.completed': 'Access is handed back',
  'review.due': 'A session waits for review',
  'session.alert': 'A session raises an alert',
  'sign_in.new_device': 'A sign-in from a new place',
  'sign_in.guessing': 'Somebody guesses at a password',
  'account.changed': 'A password or second factor changes',
  'storage.space': 'The disk for recordings is low or full',
  'storage.clock': 'Recordings are kept past their age: the clock may be wrong',
  'trail.broken': 'The audit trail is not the one that was signed',
  'trail.behind': 'The audit trail does not reach its receiver',
  'secret.revealed': 'A password is shown to somebody',
  'secret.typed': 'A password is typed into a session',
  'vault.alert': 'A password was not changed, or a stored one was altered',
};
const audienceTexts: readonly (readonly [audience: Audience, text: string])[] = [
  ['approvers', 'Approvers'],
  ['requester', 'Whoever it is about'],
  ['reviewers', 'Reviewers'],
  ['admins', 'Administrators'],
];
const channelTexts: readonly (readonly [value: string, text: string])[] = [
  ['', '–'],
  ['page', 'in Oriel'],
  ['mail', 'by mail'],
  ['page mail', 'both'],
];
/** Audiences that a kind never has. */
const without: Readonly<Record<string, readonly Audience[]>> = {
  'sign_in.new_device': ['approvers', 'reviewers'],
  'sign_in.guessing': ['approvers', 'reviewers', 'requester'],
  'account.changed': ['approvers', 'reviewers'],
};

/** Who is told of what, and how. */
export function NotificationSettings() {
  const rules = useResource(policies.notifications);
  const mail = useResource(policies.mail);
  const error = rules.error ?? mail.error;
  return (
    <Page title="Notification settings" actions={<SettingsTabs current="/admin/settings/notifications" />}>
      {error !== undefined && <ErrorNote error={error} />}
      {(rules.value === undefined || mail.value === undefined) && error === undefined && <Loading what="settings" />}
      {rules.value !== undefined && <RulesForm present={rules.value} />}
      {mail.value !== undefined && <MailForm present={mail.value} />}
      <WebhooksSection />
      <DeliveriesSection />
    </Page>
  );
}

function RulesForm({ present }: { readonly present: NotificationRules }) {
  const [rules, setRules] = useState(present);
  const set = (kind: string, audience: Audience, value: string): void => {
    const channels = value.split(' ').filter((channel): channel is Channel => channel !== '');
    const rule = rules[kind];
    if (rule !== undefined) setRules({ ...rules, [kind]: { ...rule, [audience]: channels } });
  };
  return (
    <SavedForm title="Who is told" testId="rules" save={() => policies.changeNotifications(rules)}>
      <Table columns={['What happens', ...audienceTexts.map(([, text]) => text)]}>
        {Object.entries(rules).map(([kind, rule]) => (
          <tr key={kind}>
            <td data-label="What happens" class="strong">
              {kindTexts[kind] ?? kind}
            </td>
            {audienceTexts.map(([audience, text]) => (
              <td data-label={text} key={audience}>
                {without[kind]?.includes(audience) === true ? (
                  <span class="quiet">–</span>
                ) : (
                  <select
                    name={`${kind} ${audience}`}
                    aria-label={`${kindTexts[kind] ?? kind}: ${text}`}
                    value={[...rule[audience]].sort().reverse().join(' ')}
                    onChange={(event) => set(kind, audience, event.currentTarget.value)}
                  >
                    {channelTexts.map(([value, label]) => (
                      <option key={value} value={value}>
                        {label}
                      </option>
                    ))}
                  </select>
                )}
              </td>
            ))}
          </tr>
        ))}
      </Table>
    </SavedForm>
  );
}

function MailForm({ present }: { readonly present: MailSettings & { readonly hasPassword: boolean } }) {
  const [fields, setFields] = useState<MailSettings>(() => {
    const { hasPassword: _, ...rest } = present;
    return rest;
  });
  const [password, setPassword] = useState('');
  const [testing, setTesting] = useState(false);
  const [to, setTo] = useState('');
  const set = (change: Partial<MailSettings>): void => setFields({ ...fields, ...change });
  return (
    <>
      <SavedForm
        title="Mail"
        testId="mail"
        save={() => policies.changeMail({ ...fields, ...(password === '' ? {} : { password }) })}
        more={
          <button type="button" class="button" onClick={() => setTesting(true)} data-testid="test-mail">
            Send a test
          </button>
        }
      >
        <CheckField name="mail-enabled" checked={fields.enabled} change={(enabled) => set({ enabled })}>
          Send mail
        </CheckField>
        <Field label="Server" name="mail-host" value={fields.host} change={(host) => set({ host: host.trim() })} />
        <PortField name="mail-port" value={String(fields.port)} change={(port) => set({ port: Number(port) })} />
        <SelectField
          label="Security"
          name="mail-security"
          value={fields.security}
          options={[
            ['starttls', 'STARTTLS'],
            ['tls', 'TLS from the start'],
            ['none', 'None: only for a server on this host'],
          ]}
          change={(security) => set({ security: security as MailSettings['security'] })}
        />
        <Field
          label="User name"
          name="mail-username"
          autocomplete="off"
          value={fields.username}
          change={(username) => set({ username })}
          help="Empty where the server takes mail without a sign-in."
        />
        <Field
          label="Password"
          name="mail-password"
          type="password"
          autocomplete="off"
          value={password}
          change={setPassword}
          help={present.hasPassword ? 'Leave it empty to keep the present one.' : ''}
        />
        <Field
          label="Sender"
          name="mail-from"
          value={fields.from}
          change={(from) => set({ from })}
          help="Such as Oriel <oriel@example.com>"
        />
      </SavedForm>
      {testing && (
        <Dialog
          title="Send a test mail"
          action="Send"
          testId="send-test"
          perform={() => policies.testMail(to.trim())}
          close={() => setTesting(false)}
        >
          <p>With the settings as they are saved.</p>
          <Field label="To" name="test-to" required value={to} change={setTo} />
        </Dialog>
      )}
    </>
  );
}

type WebhookTask = { readonly kind: 'add' | 'secret'; readonly secret?: string } | { readonly remove: Webhook };

function WebhooksSection() {
  const { value: webhooks, error, reload } = useResource(policies.webhooks);
  const [task, setTask] = useState<WebhookTask>();
  const [failure, setFailure] = useState<ApiError>();
  const [told, setTold] = useState('');
  const attempt = async (words: string, run: () => Promise<unknown>): Promise<void> => {
    setFailure(undefined);
    setTold('');
    try {
      await run();
      setTold(words);
    } catch (cause) {
      setFailure(toApiError(cause));
    }
    reload();
  };
  const close = (): void => {
    setTask((current) => (current !== undefined && 'secret' in current ? current : undefined));
    reload();
  };
  return (
    <section class="setting setting-wide" data-testid="webhooks">
      <h2>Webhooks</h2>
      <p class="field-help">
        Programs that are told, by a signed POST as Standard Webhooks describes it. What is not taken is sent again for
        two days.
      </p>
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {failure !== undefined && <ErrorNote error={failure} />}
      <p role="status" class="quiet">
        {told}
      </p>
      {webhooks !== undefined && webhooks.length > 0 && (
        <Table columns={['Name', 'Address', 'Told of']} actions>
          {webhooks.map((hook) => (
            <tr key={hook.id} data-testid="webhook-row">
              <td data-label="Name" class="strong">
                {hook.name} {!hook.enabled && <span class="tag">Off</span>}
              </td>
              <td data-label="Address">{hook.url}</td>
              <td data-label="Told of">{`${hook.kinds.length} kinds`}</td>
              <td class="row-actions">
                <button
                  type="button"
                  class="button"
                  onClick={() => attempt(`${hook.name} has taken the test.`, () => policies.testWebhook(hook.id))}
                >
                  Test<span class="hidden-text"> {hook.name}</span>
                </button>
                <button
                  type="button"
                  class="button"
                  onClick={() => attempt('', () => policies.changeWebhook(hook.id, { enabled: !hook.enabled }))}
                >
                  {hook.enabled ? 'Turn off' : 'Turn on'}
                  <span class="hidden-text"> {hook.name}</span>
                </button>
                <button type="button" class="button danger-text" onClick={() => setTask({ remove: hook })}>
                  Remove<span class="hidden-text"> {hook.name}</span>
                </button>
              </td>
            </tr>
          ))}
        </Table>
      )}
      <div class="button-row">
        <button type="button" class="button" onClick={() => setTask({ kind: 'add' })} data-testid="add-webhook">
          <Icon name="add" /> Add a webhook
        </button>
      </div>
      {task !== undefined && 'remove' in task && (
        <Dialog
          title={`Remove ${task.remove.name}?`}
          action="Remove"
          danger
          perform={() => policies.removeWebhook(task.remove.id)}
          close={close}
        >
          <p>What still waits to be sent there is not sent.</p>
        </Dialog>
      )}
      {task !== undefined && 'kind' in task && task.kind === 'add' && (
        <AddWebhook made={(secret) => setTask({ kind: 'secret', secret })} close={close} />
      )}
      {task !== undefined && 'kind' in task && task.kind === 'secret' && (
        <Dialog
          title="The webhook's secret"
          action="I have kept it"
          perform={async () => undefined}
          close={() => {
            setTask(undefined);
            reload();
          }}
        >
          <p>The receiver checks signatures with it. It is not shown again.</p>
          <code class="secret-key" data-testid="webhook-secret">
            {task.secret}
          </code>
        </Dialog>
      )}
    </section>
  );
}

function AddWebhook({ made, close }: { made(secret: string): void; close(): void }) {
  const [name, setName] = useState('');
  const [url, setUrl] = useState('');
  const [kinds, setKinds] = useState<readonly string[]>(Object.keys(kindTexts));
  return (
    <Dialog
      title="Add a webhook"
      action="Add"
      testId="save-webhook"
      perform={async () => made((await policies.addWebhook({ name: name.trim(), url: url.trim(), kinds })).secret)}
      close={close}
    >
      <Field label="Name" name="webhook-name" required maxLength={128} value={name} change={setName} />
      <Field
        label="Address"
        name="webhook-url"
        required
        value={url}
        change={setUrl}
        help="https://…"
        spellcheck={false}
      />
      <fieldset class="field">
        <legend>Told of</legend>
        {Object.entries(kindTexts).map(([kind, text]) => (
          <CheckField
            key={kind}
            name={`kind-${kind}`}
            checked={kinds.includes(kind)}
            change={(checked) => setKinds(checked ? [...kinds, kind] : kinds.filter((other) => other !== kind))}
          >
            {text}
          </CheckField>
        ))}
      </fieldset>
    </Dialog>
  );
}

const stateTexts: Readonly<Record<Delivery['state'], string>> = { waiting: 'Waits', sent: 'Sent', failed: 'Given up' };

function DeliveriesSection() {
  const { value: deliveries, error, reload } = useResource(policies.deliveries, 15_000);
  const [failure, setFailure] = useState<ApiError>();
  if (error !== undefined) return <ErrorNote error={error} retry={reload} />;
  if (deliveries === undefined || deliveries.length === 0) return null;
  return (
    <section class="setting setting-wide" data-testid="deliveries">
      <h2>What was sent</h2>
      {failure !== undefined && <ErrorNote error={failure} />}
      <Table columns={['When', 'What', 'How', 'State']} actions>
        {deliveries.map((one) => (
          <tr key={one.id}>
            <td data-label="When" class="moment">
              {formatMoment(one.createdAt)}
            </td>
            <td data-label="What">{kindTexts[one.kind] ?? one.kind}</td>
            <td data-label="How">{one.channel === 'mail' ? `Mail to ${one.recipient}` : 'Webhook'}</td>
            <td data-label="State">
              {stateTexts[one.state]}
              {one.lastError !== '' && <span class="quiet small"> {one.lastError}</span>}
            </td>
            <td class="row-actions">
              {one.state !== 'sent' && (
                <button
                  type="button"
                  class="button"
                  onClick={() =>
                    policies.retryDelivery(one.id).then(reload, (cause: unknown) => setFailure(toApiError(cause)))
                  }
                >
                  Try again<span class="hidden-text"> {kindTexts[one.kind] ?? one.kind}</span>
                </button>
              )}
            </td>
          </tr>
        ))}
      </Table>
    </section>
  );
}
