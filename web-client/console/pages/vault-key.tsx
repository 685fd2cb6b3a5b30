import { useState } from 'preact/hooks';
import { type KeySource, type MasterKeyState, vault } from '../api/vault.ts';
import { formatMoment } from '../format.ts';
import { Dialog } from '../ui/dialog.tsx';
import { ErrorNote, Loading } from '../ui/feedback.tsx';
import { Field, SelectField } from '../ui/fields.tsx';
import { Page } from '../ui/page.tsx';
import { useResource } from '../ui/use-resource.ts';
import { VaultTabs } from './vault-tabs.tsx';

const EVERY_MS = 2000;

const sourceTexts: Readonly<Record<KeySource, string>> = {
  file: 'the key file',
  environment: 'ORIEL_MASTER_KEY',
  passphrase: 'a passphrase',
};

/** `/admin/vault/key`: the key that every secret is sealed with, and moving to another. */
export function VaultKey() {
  const { value: state, error, reload } = useResource(vault.key, EVERY_MS);
  const [asking, setAsking] = useState(false);
  return (
    <Page title="Master key" intro="Every secret has a key of its own, and the master key seals those.">
      <VaultTabs current="/admin/vault/key" />
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {state === undefined && error === undefined && <Loading what="the master key" />}
      {state !== undefined && <Present state={state} move={() => setAsking(true)} />}
      {asking && (
        <MoveDialog
          close={() => {
            setAsking(false);
            reload();
          }}
        />
      )}
    </Page>
  );
}

function Present({ state, move }: { readonly state: MasterKeyState; move(): void }) {
  return (
    <section class="setting" data-testid="master-key">
      <h2>Present key</h2>
      <dl class="request-facts">
        <div>
          <dt>Name</dt>
          <dd class="mono" data-testid="key-id">
            {state.id}
          </dd>
        </div>
        <div>
          <dt>Comes from</dt>
          <dd data-testid="key-source">{sourceTexts[state.source]}</dd>
        </div>
        <div>
          <dt>In use since</dt>
          <dd>{formatMoment(state.since)}</dd>
        </div>
        <div>
          <dt>Secrets</dt>
          <dd>{state.secrets}</dd>
        </div>
      </dl>
      {state.lastError !== null && (
        <div class="note note-error" role="status">
          <p class="note-text">{state.lastError}</p>
        </div>
      )}
      {state.moving === null ? (
        <p class="button-row">
          <button type="button" class="button primary" onClick={move} data-testid="move-key">
            Move to a new key
          </button>
        </p>
      ) : (
        <p role="status" data-testid="moving">
          Moving to <span class="mono">{state.moving.to}</span>, {sourceTexts[state.moving.source]}: {state.moving.left}{' '}
          are left. Sessions go on.
        </p>
      )}
    </section>
  );
}

function MoveDialog({ close }: { close(): void }) {
  const [source, setSource] = useState<KeySource>('file');
  const [secret, setSecret] = useState('');
  const [again, setAgain] = useState('');
  const differ = source === 'passphrase' && again !== '' && secret !== again;
  return (
    <Dialog
      title="Move to a new master key?"
      action="Move"
      testId="confirm-move"
      perform={async () => {
        if (source === 'passphrase' && secret !== again) throw new Error('The passphrase is not the same twice.');
        if (source === 'file') await vault.rewrap({ source });
        else await vault.rewrap({ source, [source === 'passphrase' ? 'passphrase' : 'key']: secret });
      }}
      close={close}
    >
      <SelectField
        label="The new key"
        name="source"
        value={source}
        change={(chosen) => setSource(chosen as KeySource)}
        options={[
          ['file', 'is made now, and put into the key file'],
          ['environment', 'is brought by me, for ORIEL_MASTER_KEY'],
          ['passphrase', 'is made of a passphrase'],
        ]}
      />
      {source === 'environment' && (
        <Field
          label="Key"
          name="new-key"
          type="password"
          autocomplete="off"
          required
          value={secret}
          change={setSecret}
          help="32 random bytes in base64: openssl rand -base64 32"
        />
      )}
      {source === 'passphrase' && (
        <>
          <Field
            label="Passphrase"
            name="passphrase"
            type="password"
            autocomplete="new-password"
            required
            minLength={12}
            value={secret}
            change={setSecret}
            help="At least 12 characters. Without it nothing that is stored opens again."
          />
          <Field
            label="Passphrase once more"
            name="passphrase-again"
            type="password"
            autocomplete="new-password"
            required
            value={again}
            change={setAgain}
            error={differ ? 'It is not the same.' : undefined}
          />
        </>
      )}
      <p class="field-help">
        {source === 'file'
          ? 'The old key stays beside it under its name: keep it as long as there are backups from before.'
          : 'Set the gateway up to start with it before it is started the next time. Keep the old key as long as there are backups from before.'}
      </p>
    </Dialog>
  );
}
