import { useState } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import { type Rotation, type RotationEvent, type RotationSettings, type VaultAccount, vault } from '../api/vault.ts';
import { formatMoment } from '../format.ts';
import { Dialog } from '../ui/dialog.tsx';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { CheckField, Field, SelectField } from '../ui/fields.tsx';
import { Page } from '../ui/page.tsx';
import { SavedForm } from '../ui/saved-form.tsx';
import { Table } from '../ui/table.tsx';
import { useResource } from '../ui/use-resource.ts';
import { nameOf, typeTexts } from './account-dialog.tsx';
import { RotationTag } from './vault.tsx';
import { VaultTabs } from './vault-tabs.tsx';

const EVERY_MS = 5000;

/** `/admin/vault/:id`: one account: where its password is, when it is changed, and how that went. */
export function VaultAccountPage() {
  const { params } = useRoute();
  const id = params.id ?? '';
  return <OneAccount key={id} id={id} />;
}

function OneAccount({ id }: { readonly id: string }) {
  const { value: account, error, reload } = useResource((signal) => vault.account(id, signal), EVERY_MS);
  return (
    <Page
      title={account === undefined ? 'Account' : nameOf(account)}
      intro={account !== undefined && `on ${account.target.name}, ${account.target.host}`}
    >
      <VaultTabs current="/admin/vault" />
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {account === undefined && error === undefined && <Loading what="the account" />}
      {account !== undefined && (
        <>
          <section class="setting" aria-label="Where the password is">
            <h2>Password</h2>
            <p>{account.provider === null ? typeTexts[account.type][1] : `Comes from ${account.provider.name}.`}</p>
            {account.masterPassword && <p>Whoever uses it gives her master password.</p>}
            <p class="field-help">
              It is set on the page of <a href="/admin/targets">targets</a>. Nobody can read it here.
            </p>
          </section>
          {account.type === 'vaulted' && <RotationPart account={account} reload={reload} />}
          <History history={account.history} />
        </>
      )}
    </Page>
  );
}

function RotationPart({ account, reload }: { readonly account: VaultAccount; reload(): void }) {
  const { rotation } = account;
  const [asked, setAsked] = useState<'rotate' | 'key' | 'stop'>();
  const close = (): void => {
    setAsked(undefined);
    reload();
  };
  return (
    <>
      {rotation !== null && (
        <section class="setting" data-testid="rotation">
          <h2>
            Changing it <RotationTag rotation={rotation} />
          </h2>
          {rotation.error !== null && <Trouble rotation={rotation} accept={() => setAsked('key')} />}
          <dl class="request-facts">
            <div>
              <dt>Last change</dt>
              <dd>{rotation.lastAt === null ? 'never yet' : formatMoment(rotation.lastAt)}</dd>
            </div>
            <div>
              <dt>Next change</dt>
              <dd>{rotation.nextAt === null ? 'by hand, or when access is over' : formatMoment(rotation.nextAt)}</dd>
            </div>
            <div>
              <dt>Key of the computer</dt>
              <dd class="mono fingerprint">{rotation.hostKey ?? 'the one that it shows first'}</dd>
            </div>
          </dl>
          <div class="button-row">
            <button type="button" class="button primary" onClick={() => setAsked('rotate')} data-testid="rotate">
              Change it now
            </button>
            <button type="button" class="button danger-text" onClick={() => setAsked('stop')}>
              Stop changing it
            </button>
          </div>
        </section>
      )}
      <RotationForm account={account} reload={reload} />
      {asked === 'rotate' && (
        <Dialog
          title={`Change the password of ${nameOf(account)}?`}
          action="Change it"
          testId="confirm-rotate"
          perform={() => vault.rotate(account.id)}
          close={close}
        >
          <p>Oriel makes a new one, sets it on the computer and signs in with it before the old one is forgotten.</p>
        </Dialog>
      )}
      {asked === 'key' && rotation?.offeredKey != null && (
        <Dialog
          title="Accept the new key?"
          action="Accept key"
          testId="accept-host-key"
          perform={() => vault.acceptHostKey(account.id, rotation.offeredKey)}
          close={close}
        >
          <p>Accept it only if you know why it changed. Otherwise somebody may stand between.</p>
          <dl class="fingerprints">
            <dt>Accepted until now</dt>
            <dd class="fingerprint mono">{rotation.hostKey ?? 'none'}</dd>
            <dt>Shown now</dt>
            <dd class="fingerprint mono">{rotation.offeredKey}</dd>
          </dl>
        </Dialog>
      )}
      {asked === 'stop' && (
        <Dialog
          title="Stop changing this password?"
          action="Stop"
          danger
          testId="confirm-stop"
          perform={() => vault.removeRotation(account.id)}
          close={close}
        >
          <p>The password stays as it is now. Its history goes on to be shown.</p>
        </Dialog>
      )}
    </>
  );
}

function Trouble({ rotation, accept }: { readonly rotation: Rotation; accept(): void }) {
  return (
    <div class="note note-error" role="status" data-testid="rotation-error">
      <div class="note-text">
        <p>
          {rotation.state === 'unknown'
            ? 'The last change was cut short, and it is not known which of two passwords counts. Both are kept.'
            : 'The last change failed; the old password counts.'}
        </p>
        <p class="quiet">{rotation.error?.detail}</p>
        {rotation.nextAt !== null && <p class="quiet small">Tried again {formatMoment(rotation.nextAt)}</p>}
        <p class="quiet small">
          Code <code data-testid="error-code">{rotation.error?.code}</code>
        </p>
      </div>
      {rotation.offeredKey !== null && (
        <button type="button" class="button" onClick={accept} data-testid="review-host-key">
          Review the key
        </button>
      )}
    </div>
  );
}

const usual: RotationSettings = {
  changer: 'ssh',
  host: '',
  port: 22,
  everyDays: 0,
  onCheckIn: false,
  afterReveal: false,
  length: 24,
  privilegedAccountId: null,
};

function RotationForm({ account, reload }: { readonly account: VaultAccount; reload(): void }) {
  const { value: accounts } = useResource(vault.accounts);
  const [form, setForm] = useState(account.rotation?.settings ?? usual);
  const set = (change: Partial<RotationSettings>): void => setForm((current) => ({ ...current, ...change }));
  const others = accounts?.filter(({ id, type }) => id !== account.id && type === 'vaulted') ?? [];
  return (
    <SavedForm
      title={account.rotation === null ? 'Have it changed' : 'How it is changed'}
      help="Linux accounts, over SSH. The account changes its own password, or a privileged one does."
      testId="rotation-form"
      save={async () => {
        await vault.changeRotation(account.id, form);
        reload();
      }}
    >
      <div class="field-row">
        <Field
          label="Computer"
          name="host"
          value={form.host}
          placeholder={account.target.host}
          change={(host) => set({ host: host.trim() })}
          help="Empty: that of the target."
        />
        <Field
          label="SSH port"
          name="port"
          type="number"
          min="1"
          max="65535"
          required
          value={String(form.port)}
          change={(port) => set({ port: Number(port) })}
        />
      </div>
      <SelectField
        label="Who changes it"
        name="privilegedAccountId"
        value={form.privilegedAccountId ?? ''}
        change={(chosen) => set({ privilegedAccountId: chosen === '' ? null : chosen })}
        options={[
          ['', 'The account itself'],
          ...others.map((other) => [other.id, `${nameOf(other)} on ${other.target.name}`] as const),
        ]}
        help="A privileged account is root, or may run chpasswd by sudo."
      />
      <div class="field-row">
        <Field
          label="Every so many days"
          name="everyDays"
          type="number"
          min="0"
          max="3650"
          required
          value={String(form.everyDays)}
          change={(days) => set({ everyDays: Number(days) })}
          help="0: not by the calendar."
        />
        <Field
          label="Length"
          name="length"
          type="number"
          min="12"
          max="128"
          required
          value={String(form.length)}
          change={(length) => set({ length: Number(length) })}
        />
      </div>
      <CheckField name="onCheckIn" checked={form.onCheckIn} change={(onCheckIn) => set({ onCheckIn })}>
        When access to it is given back or over
      </CheckField>
      <CheckField name="afterReveal" checked={form.afterReveal} change={(afterReveal) => set({ afterReveal })}>
        When access is over under which it was shown to somebody
      </CheckField>
    </SavedForm>
  );
}

const reasonTexts: Readonly<Record<RotationEvent['reason'], string>> = {
  schedule: 'By the calendar',
  'check-in': 'Access was over',
  reveal: 'It had been shown',
  'by-hand': 'By hand',
};
const outcomeTexts: Readonly<Record<RotationEvent['outcome'], string>> = {
  succeeded: 'Changed',
  reconciled: 'Was cut short, and had been changed',
  failed: 'Not changed',
};

function History({ history }: { readonly history: readonly RotationEvent[] }) {
  return (
    <section class="setting setting-wide" data-testid="rotation-history">
      <h2>History</h2>
      {history.length === 0 ? (
        <EmptyState icon="audit" title="Not changed yet">
          <p>Each change of the password, and each that failed, is listed here.</p>
        </EmptyState>
      ) : (
        <Table columns={['When', 'Why', 'What came of it']}>
          {history.map((event, index) => (
            <tr key={index} data-testid="rotation-event">
              <td data-label="When" class="moment">
                {formatMoment(event.at)}
              </td>
              <td data-label="Why">{reasonTexts[event.reason]}</td>
              <td data-label="What came of it">
                <span class="stacked">
                  {outcomeTexts[event.outcome]}
                  {event.detail !== '' && <span class="quiet small">{event.detail}</span>}
                </span>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}
