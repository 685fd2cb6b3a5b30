import { useState } from 'preact/hooks';
import {
  type FactorKind,
  type PasskeyFacts,
  policies,
  type SignInPolicy,
  type SingleSignOnSettings,
} from '../api/account.ts';
import { ErrorNote, Loading } from '../ui/feedback.tsx';
import { CheckField, Field, SelectField } from '../ui/fields.tsx';
import { MappingFields } from '../ui/mapping-fields.tsx';
import { Page } from '../ui/page.tsx';
import { RoleFields, roleTexts } from '../ui/role-fields.tsx';
import { SavedForm } from '../ui/saved-form.tsx';
import { Table } from '../ui/table.tsx';
import { toApiError, useResource } from '../ui/use-resource.ts';
import { SettingsTabs } from './settings-tabs.tsx';

/** How people prove who they are. */
export function SignInSettings() {
  const policy = useResource(policies.signIn);
  const singleSignOn = useResource(policies.singleSignOn);
  const error = policy.error ?? singleSignOn.error;
  return (
    <Page title="Signing in" actions={<SettingsTabs current="/admin/settings/sign-in" />}>
      {error !== undefined && <ErrorNote error={error} />}
      {(policy.value === undefined || singleSignOn.value === undefined) && error === undefined && (
        <Loading what="settings" />
      )}
      {policy.value !== undefined && <SecondFactorForm policy={policy.value} />}
      {singleSignOn.value !== undefined && <SingleSignOnForm present={singleSignOn.value} />}
    </Page>
  );
}

type Policy = SignInPolicy & { readonly passkeys: PasskeyFacts };

function SecondFactorForm({ policy: { passkeys, ...present } }: { readonly policy: Policy }) {
  const [policy, setPolicy] = useState<SignInPolicy>(present);
  const { secondFactorRoles: required, allowedFactors } = policy;
  const set = (change: Partial<SignInPolicy>): void => setPolicy({ ...policy, ...change });
  return (
    <SavedForm
      title="Two-step sign-in"
      testId="second-factor-policy"
      help="Whoever has a role that requires it must set up a second factor at the next sign-in. Everybody else may."
      save={() => policies.changeSignIn(policy)}
    >
      <Table columns={['Role', 'Required', 'What counts']}>
        {roleTexts.map(([role, text]) => (
          <tr key={role}>
            <td data-label="Role">{text.split(':')[0]}</td>
            <td data-label="Required">
              <CheckField
                name={`second-factor-${role}`}
                checked={required.includes(role)}
                change={(checked) =>
                  set({ secondFactorRoles: checked ? [...required, role] : required.filter((other) => other !== role) })
                }
              >
                <span class="hidden-text">Required for {text.split(':')[0]}</span>
              </CheckField>
            </td>
            <td data-label="What counts">
              <select
                name={`factors-${role}`}
                aria-label={`What counts for ${text.split(':')[0]}`}
                value={allowedFactors[role]?.join(' ') ?? ''}
                onChange={(event) => {
                  const kinds = factorChoices.find(([value]) => value === event.currentTarget.value)?.[2];
                  const { [role]: _, ...others } = allowedFactors;
                  set({ allowedFactors: kinds === undefined ? others : { ...others, [role]: kinds } });
                }}
              >
                {factorChoices.map(([value, label]) => (
                  <option key={value} value={value}>
                    {label}
                  </option>
                ))}
              </select>
            </td>
          </tr>
        ))}
      </Table>
      <CheckField name="passwordless" checked={policy.passwordless} change={(passwordless) => set({ passwordless })}>
        A passkey signs in by itself, without user name and password
      </CheckField>
      <p class="field-help" data-testid="passkey-facts">
        {passkeys.problem === null
          ? `Passkeys work at ${passkeys.origin}. Those that were made stay with ${passkeys.host}.`
          : `Passkeys do not work: ${passkeys.problem}. Set ORIEL_PUBLIC_URL to the https address, with a host name, that people open.`}
      </p>
    </SavedForm>
  );
}

const factorChoices: readonly (readonly [value: string, label: string, kinds?: readonly FactorKind[]])[] = [
  ['', 'App or passkey'],
  ['code', 'Authenticator app', ['code']],
  ['passkey', 'Passkey', ['passkey']],
];

type Present = SingleSignOnSettings & { readonly hasSecret: boolean; readonly redirectUri: string };

function SingleSignOnForm({ present }: { readonly present: Present }) {
  const [fields, setFields] = useState<SingleSignOnSettings>(() => {
    const { hasSecret: _, redirectUri: __, ...rest } = present;
    return rest;
  });
  const [secret, setSecret] = useState('');
  const [scopes, setScopes] = useState(present.scopes.join(' '));
  const [tested, setTested] = useState<string>();
  const set = (change: Partial<SingleSignOnSettings>): void => setFields({ ...fields, ...change });
  const save = (): Promise<unknown> =>
    policies.changeSingleSignOn({
      ...fields,
      scopes: scopes.split(/\s+/).filter((scope) => scope !== ''),
      ...(secret === '' ? {} : { clientSecret: secret }),
    });
  const test = async (): Promise<void> => {
    setTested('Asking…');
    try {
      const facts = await policies.testSingleSignOn();
      const logout = facts.backChannelLogout ? 'says when somebody signs out' : 'does not say when somebody signs out';
      setTested(`${facts.issuer} answers, and ${logout}.`);
    } catch (cause) {
      const { message, detail } = toApiError(cause);
      setTested(`${message} ${detail ?? ''}`);
    }
  };
  return (
    <SavedForm
      title="Single sign-on"
      testId="single-sign-on-form"
      help={
        <>
          OpenID Connect. Register Oriel at your provider as a web application with this redirect address:{' '}
          <code class="secret-key">{present.redirectUri}</code>
        </>
      }
      save={save}
      more={
        <button type="button" class="button" onClick={test} data-testid="test-provider">
          Test what is saved
        </button>
      }
    >
      {tested !== undefined && (
        <p role="status" data-testid="tested">
          {tested}
        </p>
      )}
      <CheckField name="enabled" checked={fields.enabled} change={(enabled) => set({ enabled })}>
        Offer it on the sign-in page
      </CheckField>
      <Field
        label="Issuer"
        name="issuer"
        value={fields.issuer}
        change={(issuer) => set({ issuer: issuer.trim() })}
        spellcheck={false}
        help="An address such as https://login.example.com/realms/staff"
      />
      <Field
        label="Client id"
        name="clientId"
        value={fields.clientId}
        change={(clientId) => set({ clientId })}
        spellcheck={false}
        autocomplete="off"
      />
      <Field
        label="Client secret"
        name="clientSecret"
        type="password"
        autocomplete="off"
        value={secret}
        change={setSecret}
        help={present.hasSecret ? 'Leave it empty to keep the present one.' : 'As your provider shows it.'}
      />
      <Field
        label="What the button says"
        name="label"
        required
        value={fields.label}
        change={(label) => set({ label })}
      />
      <Field label="Scopes" name="scopes" value={scopes} change={setScopes} spellcheck={false} help="Besides openid." />
      <SelectField
        label="Somebody who has a user here already"
        name="linkBy"
        value={fields.linkBy}
        options={[
          ['none', 'connects the two on the page of the account'],
          ['verified_email', 'is recognised by a verified mail address'],
          ['username', 'is recognised by the user name'],
        ]}
        change={(linkBy) => set({ linkBy: linkBy as SingleSignOnSettings['linkBy'] })}
        help="By user name only where nobody can choose the own name in the directory."
      />
      <CheckField name="createUsers" checked={fields.createUsers} change={(createUsers) => set({ createUsers })}>
        Whoever the provider lets in becomes a user here
      </CheckField>
      <RoleFields
        legend="What somebody new may do"
        prefix="default"
        roles={fields.defaultRoles}
        change={(defaultRoles) => set({ defaultRoles })}
      />
      <CheckField
        name="trustsSecondFactor"
        checked={fields.trustsSecondFactor}
        change={(trustsSecondFactor) => set({ trustsSecondFactor })}
      >
        The provider asks for a second factor itself
      </CheckField>
      <Field
        label="Claim with the user name"
        name="usernameClaim"
        required
        value={fields.usernameClaim}
        change={(usernameClaim) => set({ usernameClaim })}
        spellcheck={false}
      />
      <Field
        label="Claim with the groups"
        name="groupsClaim"
        required
        value={fields.groupsClaim}
        change={(groupsClaim) => set({ groupsClaim })}
        spellcheck={false}
      />
      <Field
        label="Ask the provider again every so many minutes"
        name="recheckMinutes"
        type="number"
        min="1"
        max="1440"
        required
        value={String(fields.recheckMinutes)}
        change={(value) => set({ recheckMinutes: Number(value) })}
        help="Whoever was taken out of the directory is out here at the latest then."
      />
      <MappingFields
        lines={fields.mapping.map(({ claim: name, ...gives }) => ({ name, ...gives }))}
        change={(lines) => set({ mapping: lines.map(({ name: claim, ...gives }) => ({ claim, ...gives })) })}
      />
    </SavedForm>
  );
}
