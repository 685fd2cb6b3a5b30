import { useRef, useState } from 'preact/hooks';
import { gateway, type TargetFields } from '../api/gateway.ts';
import type { Target } from '../api/types.ts';
import { formatFingerprint, parseFingerprint } from '../format.ts';
import { Dialog } from '../ui/dialog.tsx';
import { CheckField, Field, PortField, SelectField } from '../ui/fields.tsx';
import { UnsavedConnectionTest } from './connection-test.tsx';
import { HOST_PATTERN } from './host-pattern.ts';

const usual: TargetFields = {
  name: '',
  host: '',
  port: 3389,
  nla: 'preferred',
  certificateTrust: 'first_use',
  minimumTls: '1.2',
  restrictedAdmin: false,
  legacySecurity: 'refused',
  oldestCredSsp: 2,
  inputLog: 'counts',
};

/** Adds a target, or changes one: its address, what a connection must be at least, and what is written down. */
export function TargetDialog({ target, close }: { readonly target: Target | undefined; close(): void }) {
  const [fields, setFields] = useState<TargetFields>(() => ({ ...usual, ...target }));
  const [port, setPort] = useState(String(fields.port));
  const [pin, setPin] = useState(formatFingerprint(target?.certificate.trusted ?? null) ?? '');
  const set =
    <Name extends keyof TargetFields>(name: Name) =>
    (value: TargetFields[Name]) =>
      setFields((before) => ({ ...before, [name]: value }));
  const choose =
    <Name extends keyof TargetFields>(name: Name) =>
    // A select only gives back what it was given.
    (value: string) =>
      set(name)(value as TargetFields[Name]);
  const added = useRef<Target>(undefined);
  const fingerprint = parseFingerprint(pin);
  const pinned = fields.certificateTrust === 'pinned';

  const perform = async (): Promise<void> => {
    const asked = {
      ...securityOf(fields),
      name: fields.name.trim(),
      host: fields.host.trim(),
      port: Number(port),
      ...(fields.inputLog === (target ?? usual).inputLog ? {} : { inputLog: fields.inputLog }),
    };
    // Added already, when only the second step failed the last time.
    const { id } = added.current ?? target ?? {};
    const saved = await (id === undefined ? gateway.addTarget(asked) : gateway.changeTarget(id, asked));
    added.current = saved;
    if (pinned && fingerprint !== undefined && fingerprint !== saved.certificate.trusted) {
      await gateway.trustCertificate(saved.id, fingerprint);
    }
  };

  return (
    <Dialog
      title={target === undefined ? 'Add a target' : `Edit ${target.name}`}
      action={target === undefined ? 'Add target' : 'Save'}
      testId="save-target"
      perform={perform}
      close={close}
    >
      <Field
        label="Name"
        name="name"
        required
        maxLength={128}
        value={fields.name}
        change={set('name')}
        help="As people know it, such as “Accounting server”."
      />
      <div class="field-row">
        <Field
          label="Host name or address"
          name="host"
          required
          pattern={HOST_PATTERN}
          title="A name or an address alone, such as srv1.example.com or 10.0.0.1; the port is beside it."
          spellcheck={false}
          autocapitalize="none"
          value={fields.host}
          change={set('host')}
        />
        <PortField name="port" value={port} change={setPort} />
      </div>
      <details class="more">
        <summary>Security</summary>
        <div class="dialog-body">
          <SelectField
            label="Network Level Authentication"
            name="nla"
            value={fields.nla}
            change={choose('nla')}
            options={[
              ['preferred', 'Preferred: use it where the computer offers it'],
              ['required', 'Required: connect in no other way'],
              ['never', 'Never: sign in on the desktop itself'],
            ]}
          />
          <CheckField
            name="restrictedAdmin"
            checked={fields.restrictedAdmin && fields.nla !== 'never'}
            disabled={fields.nla === 'never'}
            change={set('restrictedAdmin')}
          >
            Restricted Admin mode: the computer never gets the password. It must allow this mode, and the account must
            be one of its administrators.
          </CheckField>
          <SelectField
            label="Certificate"
            name="certificateTrust"
            value={fields.certificateTrust}
            change={choose('certificateTrust')}
            options={[
              ['first_use', 'First use: keep the first one, ask about another'],
              ['pinned', 'Pinned: only the one with this fingerprint'],
              ['system', 'Public: one that a certification authority signed'],
            ]}
          />
          {pinned && (
            <Field
              label="SHA-256 fingerprint"
              name="fingerprint"
              spellcheck={false}
              autocapitalize="none"
              autocomplete="off"
              value={pin}
              change={setPin}
              pattern="\s*([0-9A-Fa-f]{2}[\s:\-]*){32}"
              help="64 hexadecimal digits. Left empty, nobody can connect until the certificate that it shows is accepted."
            />
          )}
          <SelectField
            label="Oldest version of TLS"
            name="minimumTls"
            value={fields.minimumTls}
            change={choose('minimumTls')}
            options={[
              ['1.3', 'TLS 1.3'],
              ['1.2', 'TLS 1.2'],
              ['1.1', 'TLS 1.1 (outdated)'],
              ['1.0', 'TLS 1.0 (outdated)'],
            ]}
          />
          <SelectField
            label="Oldest version of CredSSP"
            name="oldestCredSsp"
            value={String(fields.oldestCredSsp)}
            change={(version) => set('oldestCredSsp')(Number(version))}
            options={[
              ['6', '6: kept up to date'],
              ['5', '5: with the update of 2018 (CVE-2018-0886)'],
              ['4', '4 (outdated)'],
              ['3', '3 (outdated)'],
              ['2', '2: whatever it has'],
            ]}
          />
          <CheckField
            name="legacySecurity"
            checked={fields.legacySecurity === 'accepted'}
            change={(checked) => set('legacySecurity')(checked ? 'accepted' : 'refused')}
          >
            Accept standard RDP security where there is no TLS. It is weak: only for old computers on a network of their
            own.
          </CheckField>
        </div>
      </details>
      <SelectField
        label="Keyboard and mouse in the recording"
        name="inputLog"
        value={fields.inputLog}
        change={choose('inputLog')}
        options={[
          ['counts', 'Counted: how much was typed and clicked'],
          ['full', 'Full: every key and click, passwords too'],
          ['off', 'Off: nothing is written down'],
        ]}
      />
      <UnsavedConnectionTest fields={{ ...securityOf(fields), host: fields.host.trim(), port: Number(port) }} />
    </Dialog>
  );
}

/** Only what the API takes: a target has more. */
function securityOf(fields: TargetFields) {
  const { nla, certificateTrust, minimumTls, restrictedAdmin, legacySecurity, oldestCredSsp } = fields;
  const restricted = restrictedAdmin && nla !== 'never';
  return { nla, certificateTrust, minimumTls, restrictedAdmin: restricted, legacySecurity, oldestCredSsp };
}
