import { useState } from 'preact/hooks';
import { gateway } from '../api/gateway.ts';
import type { Account, Target } from '../api/types.ts';
import { formatFingerprint, matches } from '../format.ts';
import { hasRole, useIdentity } from '../identity.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { SearchField } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { useResource } from '../ui/use-resource.ts';
import { AccountDialog, nameOf, typeTexts } from './account-dialog.tsx';
import { ConnectionTest } from './connection-test.tsx';
import { TargetDialog } from './target-dialog.tsx';

/** What the one open dialog is about. */
type Task =
  | { readonly kind: 'add-target' }
  | { readonly kind: 'change-target' | 'remove-target' | 'add-account' | 'trust' | 'test'; readonly target: Target }
  | { readonly kind: 'change-account' | 'remove-account'; readonly target: Target; readonly account: Account };

export function Targets() {
  const { value: targets, error, reload } = useResource(gateway.targets);
  const [search, setSearch] = useState('');
  const [task, setTask] = useState<Task>();
  const found = targets?.filter((target) => matches(search, target.name, target.host, ...target.accounts.map(nameOf)));
  const add = (
    <button
      type="button"
      class="button primary"
      onClick={() => setTask({ kind: 'add-target' })}
      data-testid="add-target"
    >
      <Icon name="add" /> Add target
    </button>
  );
  return (
    <Page
      title="Targets"
      intro="Computers that people may open, and the accounts that Oriel signs in with."
      actions={
        targets !== undefined &&
        targets.length > 0 && (
          <>
            <SearchField label="Search targets" value={search} change={setSearch} />
            {add}
          </>
        )
      }
    >
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {targets === undefined && error === undefined && <Loading what="targets" />}
      {targets?.length === 0 && (
        <EmptyState icon="targets" title="No targets yet">
          <p>A target is a computer with Remote Desktop turned on. Add its address first, then an account for it.</p>
          {add}
        </EmptyState>
      )}
      <ul class="target-list" data-testid="targets">
        {found?.map((target) => (
          <TargetEntry key={target.id} target={target} start={setTask} />
        ))}
      </ul>
      {targets !== undefined && targets.length > 0 && found?.length === 0 && (
        <EmptyState icon="search" title={`Nothing matches “${search}”`} />
      )}
      {task !== undefined && (
        <TaskDialog
          key={task.kind}
          task={task}
          close={() => {
            setTask(undefined);
            reload();
          }}
        />
      )}
    </Page>
  );
}

function TargetEntry({ target, start }: { readonly target: Target; start(task: Task): void }) {
  const { user } = useIdentity();
  const changed = target.certificate.offered !== null && target.certificate.offered !== target.certificate.trusted;
  return (
    <li class="target" data-testid="target" data-target={target.id}>
      <div class="target-head">
        <div class="target-title">
          <h2>
            {target.name} {target.demo && <span class="tag">Demo</span>}
          </h2>
          <p class="quiet mono">
            {target.host}:{target.port}
          </p>
        </div>
        <span class="quiet small">{securityWords(target)}</span>
        <div class="row-actions">
          <button
            type="button"
            class="button"
            onClick={() => start({ kind: 'test', target })}
            data-testid="test-connection"
          >
            Test<span class="hidden-text"> the connection to {target.name}</span>
          </button>
          <button type="button" class="button" onClick={() => start({ kind: 'change-target', target })}>
            Edit<span class="hidden-text"> {target.name}</span>
          </button>
          <button type="button" class="button danger-text" onClick={() => start({ kind: 'remove-target', target })}>
            Remove<span class="hidden-text"> {target.name}</span>
          </button>
        </div>
      </div>
      {changed && (
        <div class="note note-warning">
          <Icon name="shield" />
          <div class="note-text">
            {target.certificate.trusted === null ? (
              <p>No certificate is accepted yet. Nobody can connect until the one that it shows is.</p>
            ) : (
              <p>This computer now shows another certificate. Nobody can connect until it is accepted.</p>
            )}
          </div>
          <button
            type="button"
            class="button"
            onClick={() => start({ kind: 'trust', target })}
            data-testid="review-certificate"
          >
            Review
          </button>
        </div>
      )}
      <ul class="accounts" aria-label={`Accounts of ${target.name}`}>
        {target.accounts.map((account) => (
          <li key={account.id} data-testid="account">
            <Icon name="user" />
            <span class="account-name">
              {nameOf(account)} {account.type !== 'vaulted' && <span class="tag">{typeTexts[account.type][0]}</span>}
            </span>
            {hasRole(user, 'policy-admin') && (
              <a
                class="button quiet-button"
                href={`/admin/entitlements?account=${encodeURIComponent(account.id)}`}
                data-testid="who-can-reach"
              >
                Who<span class="hidden-text"> can reach {nameOf(account)}?</span>
              </a>
            )}
            <button
              type="button"
              class="button quiet-button"
              onClick={() => start({ kind: 'change-account', target, account })}
            >
              Edit<span class="hidden-text"> account {nameOf(account)}</span>
            </button>
            <button
              type="button"
              class="button quiet-button"
              onClick={() => start({ kind: 'remove-account', target, account })}
            >
              Remove<span class="hidden-text"> account {nameOf(account)}</span>
            </button>
          </li>
        ))}
        <li>
          <button
            type="button"
            class="button quiet-button"
            onClick={() => start({ kind: 'add-account', target })}
            data-testid="add-account"
          >
            <Icon name="add" /> Add account<span class="hidden-text"> to {target.name}</span>
          </button>
        </li>
      </ul>
    </li>
  );
}

function TaskDialog({ task, close }: { readonly task: Task; close(): void }) {
  switch (task.kind) {
    case 'add-target':
      return <TargetDialog target={undefined} close={close} />;
    case 'change-target':
      return <TargetDialog target={task.target} close={close} />;
    case 'test':
      return <ConnectionTest target={task.target} close={close} />;
    case 'add-account':
      return <AccountDialog target={task.target} account={undefined} close={close} />;
    case 'change-account':
      return <AccountDialog target={task.target} account={task.account} close={close} />;
    case 'remove-target':
      return (
        <Dialog
          title={`Remove ${task.target.name}?`}
          action="Remove target"
          danger
          perform={() => gateway.removeTarget(task.target.id)}
          close={close}
        >
          <p>Its accounts and their passwords are deleted. Recordings of its sessions stay.</p>
        </Dialog>
      );
    case 'remove-account':
      return (
        <Dialog
          title={`Remove ${nameOf(task.account)}?`}
          action="Remove account"
          danger
          perform={() => gateway.removeAccount(task.target.id, task.account.id)}
          close={close}
        >
          <p>Its password is deleted from Oriel. Nothing changes on {task.target.name} itself.</p>
        </Dialog>
      );
    case 'trust':
      return (
        <Dialog
          title="Accept the new certificate?"
          action="Accept certificate"
          testId="accept-certificate"
          perform={() => gateway.trustCertificate(task.target.id, task.target.certificate.offered ?? undefined)}
          close={close}
        >
          <p>
            Accept it only if you know why it changed, for example because {task.target.name} was set up again.
            Otherwise somebody may stand between.
          </p>
          <dl class="fingerprints">
            <dt>Accepted until now</dt>
            <dd class="fingerprint mono">{formatFingerprint(task.target.certificate.trusted) ?? 'none'}</dd>
            <dt>Shown now</dt>
            <dd class="fingerprint mono">{formatFingerprint(task.target.certificate.offered)}</dd>
          </dl>
          <p class="field-help">
            SHA-256 fingerprints. PowerShell on the computer itself says the right one:{' '}
            <code>{fingerprintCommand}</code>
          </p>
        </Dialog>
      );
  }
}

const fingerprintCommand =
  "Get-ChildItem 'Cert:\\LocalMachine\\Remote Desktop' | ForEach-Object { $_.GetCertHashString('SHA256') }";

/** The rules that differ from what most targets have are worth a word; the rest is in the form. */
function securityWords(target: Target): string {
  const words = [`NLA ${target.nla}`, `TLS ${target.minimumTls} or later`];
  if (target.restrictedAdmin) words.push('Restricted Admin');
  if (target.legacySecurity === 'accepted') words.push('weak encryption accepted');
  if (target.certificateTrust === 'pinned') words.push('pinned certificate');
  if (target.certificateTrust === 'system') words.push('public certificate');
  return words.join(' · ');
}
