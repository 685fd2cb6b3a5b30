import { useState } from 'preact/hooks';
import { gateway } from '../api/gateway.ts';
import type { ApiError } from '../api/request.ts';
import { ErrorNote, Loading } from '../ui/feedback.tsx';
import { CheckField } from '../ui/fields.tsx';
import { Page } from '../ui/page.tsx';
import { toApiError, useResource } from '../ui/use-resource.ts';
import { SessionSwitch } from './session-switch.tsx';
import { SettingsTabs } from './settings-tabs.tsx';

export function SettingsPage() {
  const { value: settings, error, reload } = useResource(gateway.settings);
  const [saveError, setSaveError] = useState<ApiError>();
  const [busy, setBusy] = useState(false);

  const change = async (announceShadow: boolean): Promise<void> => {
    setBusy(true);
    setSaveError(undefined);
    try {
      await gateway.changeSettings({ announceShadow });
    } catch (cause) {
      setSaveError(toApiError(cause));
    }
    reload();
    setBusy(false);
  };

  return (
    <Page title="Settings" actions={<SettingsTabs current="/admin/settings" />}>
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {settings === undefined && error === undefined && <Loading what="settings" />}
      {settings !== undefined && (
        <section class="setting">
          <h2>Live view</h2>
          <CheckField name="announceShadow" checked={settings.announceShadow} disabled={busy} change={change}>
            Tell people when somebody watches their session
          </CheckField>
          <p class="field-help">
            A line above the desktop then says who is watching. Each live view is in the audit log either way. The law
            where you are may require telling.
          </p>
          {saveError !== undefined && <ErrorNote error={saveError} />}
        </section>
      )}
      <section class="setting">
        <h2>New sessions</h2>
        <p class="field-help">For maintenance, or when something is wrong: stops all new sessions at once.</p>
        <div>
          <SessionSwitch />
        </div>
      </section>
      <EvidenceKeySection />
    </Page>
  );
}

/** What recordings are checked by: to be written down outside of this machine. */
function EvidenceKeySection() {
  const { value: key, error, reload } = useResource(gateway.evidenceKey);
  return (
    <section class="setting" data-testid="evidence-key">
      <h2>Recording signatures</h2>
      <p class="field-help">
        Every finished recording is signed with this Ed25519 key. Keep a copy of the public key where nobody who runs
        this gateway can change it: a recording is then checked against your copy.
      </p>
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {key !== undefined && (
        <>
          <p class="small">
            Key <code class="key-id">{key.id}</code>
          </p>
          <pre class="verification-report">{key.pem}</pre>
        </>
      )}
    </section>
  );
}
