import { useState } from 'preact/hooks';
import { type Receiver, type ReceiverFields, trail } from '../api/audit.ts';
import type { ApiError } from '../api/request.ts';
import { formatMoment } from '../format.ts';
import { Dialog } from '../ui/dialog.tsx';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { CheckField, Field, PortField, SelectField, TextField } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { SavedForm } from '../ui/saved-form.tsx';
import { Table } from '../ui/table.tsx';
import { toApiError, useResource } from '../ui/use-resource.ts';
import { SettingsTabs } from './settings-tabs.tsx';

type Task =
  | { readonly kind: 'edit'; readonly receiver?: Receiver }
  | { readonly kind: 'remove' | 'rewind'; readonly receiver: Receiver };

/** What trying a receiver came to; without `error` it is being tried, null: it arrived. */
interface Tested {
  readonly receiver: Receiver;
  readonly error?: ApiError | null;
}

/** Where the audit trail goes, and how long it stays here. */
export function ForwardingSettings() {
  const { value: receivers, error, reload } = useResource(trail.receivers, 3000);
  const settings = useResource(trail.settings);
  const [task, setTask] = useState<Task>();
  const [tested, setTested] = useState<Tested>();
  const test = async (receiver: Receiver): Promise<void> => {
    setTested({ receiver });
    try {
      await trail.testReceiver(receiver.id);
      setTested({ receiver, error: null });
    } catch (cause) {
      setTested({ receiver, error: toApiError(cause) });
    }
    reload();
  };
  const close = (): void => {
    setTask(undefined);
    reload();
  };
  return (
    <Page title="Audit trail" actions={<SettingsTabs current="/admin/settings/forwarding" />}>
      <section class="setting">
        <h2>Forwarding</h2>
        <p class="field-help">
          Every entry goes to each of these, in order, by syslog. While a receiver is away, entries wait here; nothing
          is lost. An entry that may have arrived before says so, and has its number.
        </p>
        {error !== undefined && <ErrorNote error={error} retry={reload} />}
        {receivers === undefined && error === undefined && <Loading what="receivers" />}
        {receivers?.length === 0 && (
          <EmptyState icon="audit" title="Nobody receives the audit trail">
            <p>Add your SIEM or a syslog server, so that a copy is where nobody here can change it.</p>
          </EmptyState>
        )}
        {receivers !== undefined && receivers.length > 0 && (
          <Table columns={['Name', 'Where', 'State']} actions kind="receivers-table" testId="receivers">
            {receivers.map((receiver) => (
              <ReceiverRow key={receiver.id} receiver={receiver} ask={setTask} test={test} />
            ))}
          </Table>
        )}
        <p role="status" data-testid="tested">
          {tested !== undefined && tested.error === undefined && `Trying ${tested.receiver.name}…`}
          {tested?.error === null && `The test message arrived at ${tested.receiver.name}.`}
        </p>
        {tested?.error && <ErrorNote error={tested.error} retry={() => void test(tested.receiver)} />}
        <div>
          <button type="button" class="button" onClick={() => setTask({ kind: 'edit' })} data-testid="add-receiver">
            <Icon name="add" /> Add a receiver
          </button>
        </div>
      </section>
      {settings.value !== undefined && <KeepForm present={settings.value.keepDays} />}
      {task?.kind === 'edit' && <ReceiverDialog receiver={task.receiver} close={close} />}
      {task?.kind === 'remove' && (
        <Dialog
          title={`Remove ${task.receiver.name}?`}
          action="Remove"
          danger
          testId="remove-receiver"
          perform={() => trail.removeReceiver(task.receiver.id)}
          close={close}
        >
          <p>It gets nothing more of the audit trail. What it has, it keeps.</p>
        </Dialog>
      )}
      {task?.kind === 'rewind' && <RewindDialog receiver={task.receiver} close={close} />}
    </Page>
  );
}

interface RowProps {
  readonly receiver: Receiver;
  ask(task: Task): void;
  test(receiver: Receiver): void;
}

function ReceiverRow({ receiver, ask, test }: RowProps) {
  const { name, host, port, transport, format, enabled } = receiver;
  return (
    <tr data-testid="receiver">
      <td data-label="Name" class="strong">
        {name}
      </td>
      <td data-label="Where">
        <span class="stacked">
          <span class="mono">
            {host}:{port}
          </span>
          <span class="small quiet">
            {format === 'cef' ? 'CEF' : 'RFC 5424'} over {transport === 'tls' ? 'TLS' : 'TCP'}
          </span>
        </span>
      </td>
      <td data-label="State">
        <span class="stacked" data-testid="receiver-state">
          {enabled ? <Standing receiver={receiver} /> : <span class="quiet">Off</span>}
        </span>
      </td>
      <td class="row-actions">
        <button type="button" class="button" onClick={() => test(receiver)} data-testid="test-receiver">
          Try it
        </button>
        <button
          type="button"
          class="button"
          onClick={() => ask({ kind: 'edit', receiver })}
          aria-label={`Edit ${name}`}
        >
          Edit
        </button>
        <button
          type="button"
          class="button"
          onClick={() => ask({ kind: 'rewind', receiver })}
          aria-label={`Send again to ${name}`}
        >
          Send again
        </button>
        <button
          type="button"
          class="button danger-text"
          onClick={() => ask({ kind: 'remove', receiver })}
          aria-label={`Remove ${name}`}
        >
          Remove
        </button>
      </td>
    </tr>
  );
}

function Standing({ receiver: { behind, behindSince, sentAt, lastError, cursor } }: { readonly receiver: Receiver }) {
  return (
    <>
      {behind === 0 ? (
        <span>Has everything</span>
      ) : (
        <span class={lastError === '' ? '' : 'status-bad'}>
          Behind by {behind}
          {behindSince !== null && `, since ${formatMoment(behindSince)}`}
        </span>
      )}
      {sentAt !== null && (
        <span class="small quiet">
          Entry {cursor} arrived {formatMoment(sentAt)}
        </span>
      )}
      {lastError !== '' && <span class="small status-bad">{lastError}</span>}
    </>
  );
}

const newReceiver: ReceiverFields = {
  name: '',
  enabled: true,
  format: 'rfc5424',
  transport: 'tls',
  host: '',
  port: 6514,
  authorities: '',
  clientCertificate: '',
  confirmation: 'close',
};
const MAX_PEM = 32_768;

function ReceiverDialog({ receiver, close }: { readonly receiver: Receiver | undefined; close(): void }) {
  const [fields, setFields] = useState<ReceiverFields>(() => fieldsOf(receiver ?? newReceiver));
  const [clientKey, setClientKey] = useState('');
  const [everything, setEverything] = useState(true);
  const set = (change: Partial<ReceiverFields>): void => setFields({ ...fields, ...change });
  const save = (): Promise<unknown> => {
    const key = clientKey.trim() === '' ? {} : { clientKey };
    // Without its certificate a key is of no use.
    const without =
      receiver?.hasClientKey === true && fields.clientCertificate.trim() === '' ? { clientKey: null } : key;
    return receiver === undefined
      ? trail.addReceiver({ ...fields, ...key, everything })
      : trail.changeReceiver(receiver.id, { ...fields, ...without });
  };
  return (
    <Dialog
      title={receiver === undefined ? 'Add a receiver' : `Edit ${receiver.name}`}
      action="Save"
      testId="save-receiver"
      perform={save}
      close={close}
    >
      <Field
        label="Name"
        name="receiver-name"
        required
        maxLength={128}
        value={fields.name}
        change={(name) => set({ name })}
      />
      <Field
        label="Host"
        name="receiver-host"
        required
        value={fields.host}
        change={(host) => set({ host: host.trim() })}
      />
      <PortField name="receiver-port" value={String(fields.port)} change={(port) => set({ port: Number(port) })} />
      <SelectField
        label="Connection"
        name="receiver-transport"
        value={fields.transport}
        change={(transport) => set({ transport: transport as ReceiverFields['transport'] })}
        options={[
          ['tls', 'TLS: its certificate is checked'],
          ['tcp', 'TCP without encryption: only in a network of its own'],
        ]}
      />
      <SelectField
        label="Format"
        name="receiver-format"
        value={fields.format}
        change={(format) => set({ format: format as ReceiverFields['format'] })}
        options={[
          ['rfc5424', 'Syslog (RFC 5424) with JSON'],
          ['cef', 'Syslog with CEF'],
        ]}
      />
      {fields.transport === 'tls' && (
        <>
          <TextField
            label="Authorities (PEM)"
            name="receiver-authorities"
            maxLength={MAX_PEM}
            value={fields.authorities}
            change={(authorities) => set({ authorities })}
            help="Who vouches for its certificate. Empty: the authorities of this machine."
          />
          <TextField
            label="Client certificate (PEM)"
            name="receiver-certificate"
            maxLength={MAX_PEM}
            value={fields.clientCertificate}
            change={(clientCertificate) => set({ clientCertificate })}
            help="Where it asks for one."
          />
          <TextField
            label="Client key (PEM)"
            name="receiver-key"
            maxLength={MAX_PEM}
            value={clientKey}
            change={setClientKey}
            help={receiver?.hasClientKey === true ? 'Leave it empty to keep the present one.' : 'Is never shown again.'}
          />
        </>
      )}
      <CheckField
        name="receiver-confirmation"
        checked={fields.confirmation === 'close'}
        change={(closes) => set({ confirmation: closes ? 'close' : 'none' })}
      >
        It closes the connection once it has read everything, as rsyslog does: by this it is known what arrived
      </CheckField>
      {receiver === undefined && (
        <CheckField name="receiver-everything" checked={everything} change={setEverything}>
          Send what is there already, too
        </CheckField>
      )}
      <CheckField name="receiver-enabled" checked={fields.enabled} change={(enabled) => set({ enabled })}>
        Forward to it
      </CheckField>
    </Dialog>
  );
}

function RewindDialog({ receiver, close }: { readonly receiver: Receiver; close(): void }) {
  const [number, setNumber] = useState('1');
  return (
    <Dialog
      title={`Send again to ${receiver.name}`}
      action="Send again"
      testId="rewind-receiver"
      perform={() => trail.rewindReceiver(receiver.id, Number(number))}
      close={close}
    >
      <p>For a receiver that lost what it had. Each entry has its number and is marked as sent again.</p>
      <Field
        label="From entry"
        name="rewind-number"
        type="number"
        min="1"
        max={String(receiver.cursor)}
        required
        value={number}
        change={setNumber}
        help={`The last one that arrived is ${receiver.cursor}.`}
      />
    </Dialog>
  );
}

function KeepForm({ present }: { readonly present: number | null }) {
  const [forever, setForever] = useState(present === null);
  const [days, setDays] = useState(String(present ?? 365));
  return (
    <SavedForm
      title="How long entries stay here"
      testId="keep"
      help="Older ones go out of the database into archive files with a signed statement, as closed ranges, once every receiver has them."
      save={() => trail.changeSettings(forever ? null : Number(days))}
    >
      <CheckField name="keep-forever" checked={forever} change={setForever}>
        For ever
      </CheckField>
      {!forever && (
        <Field
          label="Days"
          name="keep-days"
          type="number"
          min="30"
          max="36500"
          required
          value={days}
          change={setDays}
          help="At least 30."
        />
      )}
    </SavedForm>
  );
}

function fieldsOf(receiver: ReceiverFields): ReceiverFields {
  const { name, enabled, format, transport, host, port, authorities, clientCertificate, confirmation } = receiver;
  return { name, enabled, format, transport, host, port, authorities, clientCertificate, confirmation };
}
