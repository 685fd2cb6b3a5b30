import { useState } from 'preact/hooks';
import { directory, type Nesting, type DirectorySettings as Settings, type Tried } from '../api/directory.ts';
import type { ApiError } from '../api/request.ts';
import { ErrorNote, Loading } from '../ui/feedback.tsx';
import { CheckField, Field, SelectField } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { MappingFields } from '../ui/mapping-fields.tsx';
import { Page } from '../ui/page.tsx';
import { RoleFields } from '../ui/role-fields.tsx';
import { SavedForm } from '../ui/saved-form.tsx';
import { Table } from '../ui/table.tsx';
import { toApiError, useResource } from '../ui/use-resource.ts';
import { SettingsTabs } from './settings-tabs.tsx';

/** How people sign in through the organisation's directory. */
export function DirectorySettings() {
  const { value: present, error, reload } = useResource(directory.read);
  return (
    <Page title="Directory" actions={<SettingsTabs current="/admin/settings/directory" />}>
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {present === undefined && error === undefined && <Loading what="settings" />}
      {present !== undefined && <DirectoryForm present={present} />}
      {present !== undefined && <TryIt />}
    </Page>
  );
}

type Present = Settings & { readonly hasBindPassword: boolean };

interface PartProps {
  readonly fields: Settings;
  set(change: Partial<Settings>): void;
}

function DirectoryForm({ present }: { readonly present: Present }) {
  const [fields, setFields] = useState<Settings>(() => {
    const { hasBindPassword: _, ...rest } = present;
    return rest;
  });
  const [password, setPassword] = useState('');
  const set = (change: Partial<Settings>): void => setFields({ ...fields, ...change });
  return (
    <SavedForm
      title="LDAP and Active Directory"
      testId="directory-form"
      help="People sign in with their name and password of the directory. Whoever has a password of Oriel, such as the first administrator, keeps signing in with that one, whatever becomes of the directory."
      save={async () => {
        await directory.change({ ...fields, ...(password === '' ? {} : { bindPassword: password }) });
        setPassword('');
      }}
    >
      <CheckField name="enabled" checked={fields.enabled} change={(enabled) => set({ enabled })}>
        People of the directory may sign in
      </CheckField>
      <div class="button-row">
        <span class="quiet">Begin with what is usual for</span>
        {presets.map(([name, preset]) => (
          <button key={name} type="button" class="button" onClick={() => set(preset)}>
            {name}
          </button>
        ))}
      </div>
      <ServerFields fields={fields} set={set} />
      <Field
        label="Service account"
        name="bindDn"
        value={fields.bindDn}
        change={(bindDn) => set({ bindDn })}
        spellcheck={false}
        autocomplete="off"
        help="Its DN. It only reads people and groups; empty is anonymous."
      />
      <Field
        label="Its password"
        name="bindPassword"
        type="password"
        autocomplete="off"
        value={password}
        change={setPassword}
        help={
          present.hasBindPassword
            ? 'Leave it empty to keep the present one. Where the servers change it is given again.'
            : undefined
        }
      />
      <PeopleFields fields={fields} set={set} />
      <GroupFields fields={fields} set={set} />
      <KeepingFields fields={fields} set={set} />
    </SavedForm>
  );
}

function ServerFields({ fields, set }: PartProps) {
  const [servers, setServers] = useState(fields.servers.join(' '));
  return (
    <>
      <Field
        label="Servers"
        name="servers"
        value={servers}
        change={(text) => {
          setServers(text);
          set({ servers: words(text) });
        }}
        spellcheck={false}
        help="Such as ldaps://dc1.example.com ldap://dc2.example.com, asked in this order. ldap:// is encrypted by StartTLS."
      />
      <CheckField name="plain" checked={fields.plain} change={(plain) => set({ plain })}>
        ldap:// without encryption: everybody on the way can read the passwords
      </CheckField>
      <div class="field">
        <label for="directory-authorities">Certificate authorities</label>
        <textarea
          id="directory-authorities"
          name="certificateAuthorities"
          rows={4}
          spellcheck={false}
          value={fields.certificateAuthorities}
          aria-describedby="directory-authorities-help"
          onInput={(event) => set({ certificateAuthorities: event.currentTarget.value })}
        />
        <p class="field-help" id="directory-authorities-help">
          PEM of those that vouch for the servers. Empty: those that the system knows.
        </p>
      </div>
    </>
  );
}

function PeopleFields({ fields, set }: PartProps) {
  return (
    <>
      <Field
        label="Base of people"
        name="userBase"
        value={fields.userBase}
        change={(userBase) => set({ userBase })}
        spellcheck={false}
        help="Such as ou=people,dc=example,dc=com"
      />
      <Field
        label="Filter of people"
        name="userFilter"
        required
        value={fields.userFilter}
        change={(userFilter) => set({ userFilter })}
        spellcheck={false}
        help="{username} is what is typed."
      />
      <SelectField
        label="The password is proved"
        name="bindMode"
        value={fields.bindMode}
        options={[
          ['search', 'as the entry that the filter finds'],
          ['template', 'as a name made from a template'],
        ]}
        change={(bindMode) => set({ bindMode: bindMode as Settings['bindMode'] })}
      />
      {fields.bindMode === 'template' && (
        <Field
          label="Template"
          name="bindTemplate"
          required
          value={fields.bindTemplate}
          change={(bindTemplate) => set({ bindTemplate })}
          spellcheck={false}
          help="Such as uid={username},ou=people,dc=example,dc=com or {username}@example.com"
        />
      )}
      <ListField label="Attributes with the user name" name="usernameAttributes" fields={fields} set={set} />
      <ListField
        label="Attributes with the name that people know"
        name="displayNameAttributes"
        fields={fields}
        set={set}
      />
      <ListField label="Attributes with the mail address" name="mailAttributes" fields={fields} set={set} />
      <Field
        label="Domain"
        name="domain"
        value={fields.domain}
        change={(domain) => set({ domain })}
        spellcheck={false}
        help="Of people's own accounts on remote desktops. Empty: as the directory has it."
      />
      <CheckField name="createUsers" checked={fields.createUsers} change={(createUsers) => set({ createUsers })}>
        Whoever the directory lets in becomes a user here
      </CheckField>
      <CheckField name="linkByName" checked={fields.linkByName} change={(linkByName) => set({ linkByName })}>
        A user without a password here is whoever has that name in the directory
      </CheckField>
      <RoleFields
        legend="What somebody new may do"
        prefix="directory"
        roles={fields.defaultRoles}
        change={(defaultRoles) => set({ defaultRoles })}
      />
    </>
  );
}

function GroupFields({ fields, set }: PartProps) {
  return (
    <>
      <Field
        label="Base of groups"
        name="groupBase"
        value={fields.groupBase}
        change={(groupBase) => set({ groupBase })}
        spellcheck={false}
        help="Empty: the base of people."
      />
      <Field
        label="Filter of groups"
        name="groupFilter"
        required
        value={fields.groupFilter}
        change={(groupFilter) => set({ groupFilter })}
        spellcheck={false}
        help="{dn} is the entry of a person or a group, {username} the name of a person."
      />
      <SelectField
        label="Groups within groups"
        name="nesting"
        value={fields.nesting}
        options={nestings}
        change={(nesting) => set({ nesting: nesting as Nesting })}
      />
      <MappingFields
        lines={fields.mapping.map(({ group: name, ...gives }) => ({ name, ...gives }))}
        help="A group is named by its DN, or by its name alone."
        change={(lines) => set({ mapping: lines.map(({ name: group, ...gives }) => ({ group, ...gives })) })}
      />
      <CheckField name="onlyMapped" checked={fields.onlyMapped} change={(onlyMapped) => set({ onlyMapped })}>
        Only who is in one of these groups may sign in
      </CheckField>
    </>
  );
}

function KeepingFields({ fields, set }: PartProps) {
  return (
    <>
      <Field
        label="Look people up again every so many seconds"
        name="refreshSeconds"
        type="number"
        min="10"
        max="600"
        required
        value={String(fields.refreshSeconds)}
        change={(value) => set({ refreshSeconds: Number(value) })}
        help="Whoever is disabled, removed or taken out of a group there has lost here what is open at the latest then."
      />
      <SelectField
        label="While no server answers"
        name="whenUnreachable"
        value={fields.whenUnreachable}
        options={[
          ['keep', 'sessions go on, and no new ones are opened'],
          ['trust', 'whoever is signed in may also open new ones'],
        ]}
        change={(rule) => set({ whenUnreachable: rule as Settings['whenUnreachable'] })}
      />
      <Field
        label="Wait so many seconds for a server"
        name="timeoutSeconds"
        type="number"
        min="1"
        max="30"
        required
        value={String(fields.timeoutSeconds)}
        change={(value) => set({ timeoutSeconds: Number(value) })}
      />
    </>
  );
}

interface ListFieldProps extends PartProps {
  readonly label: string;
  readonly name: 'usernameAttributes' | 'displayNameAttributes' | 'mailAttributes';
}

function ListField({ label, name, fields, set }: ListFieldProps) {
  const [text, setText] = useState(fields[name].join(' '));
  return (
    <Field
      label={label}
      name={name}
      required
      spellcheck={false}
      value={text}
      change={(value) => {
        setText(value);
        set({ [name]: words(value) });
      }}
      help={name === 'usernameAttributes' ? 'The first that an entry has counts.' : undefined}
    />
  );
}

/** Tries out what is saved, and says of each step how it went. */
function TryIt() {
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [tried, setTried] = useState<Tried>();
  const [error, setError] = useState<ApiError>();
  const run = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      setTried(await directory.test({ username, password }));
    } catch (cause) {
      setTried(undefined);
      setError(toApiError(cause));
    }
    setPassword('');
    setBusy(false);
  };
  return (
    <form class="setting setting-form" onSubmit={run} data-testid="try-directory">
      <h2>Try it</h2>
      <p class="field-help">
        With what is saved. With a user name it also says who that would be here; nobody is signed in.
      </p>
      <Field
        label="User name"
        name="try-username"
        autocomplete="off"
        spellcheck={false}
        value={username}
        change={setUsername}
        help="May be empty."
      />
      <Field
        label="Password"
        name="try-password"
        type="password"
        autocomplete="off"
        value={password}
        change={setPassword}
        help="May be empty."
      />
      <div class="button-row">
        <button type="submit" class="button" disabled={busy} data-testid="try-it">
          {busy ? 'Trying…' : 'Try it'}
        </button>
      </div>
      {error !== undefined && <ErrorNote error={error} />}
      {tried !== undefined && <TriedSteps tried={tried} />}
    </form>
  );
}

function TriedSteps({ tried: { steps, person } }: { readonly tried: Tried }) {
  return (
    <>
      <Table columns={['Step', 'Server', 'Result']} kind="tried" testId="tried-steps">
        {steps.map(({ step, server, code, problem, detail }) => (
          <tr key={`${step} ${server}`} data-testid={`tried-${step}`}>
            <td data-label="Step">{stepTexts[step]}</td>
            <td data-label="Server">{server}</td>
            <td data-label="Result">
              <span>
                <Icon name={code === null ? 'check' : 'warning'} />{' '}
                {code === null ? (
                  <span class="quiet">{detail || 'Good'}</span>
                ) : (
                  <>
                    {problem} <span class="quiet small">{detail}</span> <code data-testid="tried-code">{code}</code>
                  </>
                )}
              </span>
            </td>
          </tr>
        ))}
      </Table>
      {person !== null && (
        <p class="tried" role="status" data-testid="tried-person">
          {person.displayName ?? person.username}
          {person.email === null ? '' : ` (${person.email})`} would be {person.username}
          {person.domain === '' ? '' : ` of ${person.domain}`}, in {person.groups.length} groups of the directory,
          {person.mapped.length === 0
            ? ' none of which the mapping names.'
            : ` of which count: ${person.mapped.join(', ')}.`}
        </p>
      )}
    </>
  );
}

const stepTexts: Readonly<Record<Tried['steps'][number]['step'], string>> = {
  connect: 'Reach the server',
  bind: 'Service account',
  users: 'Base of people',
  groups: 'Base of groups',
  person: 'Find the person',
  password: 'The password',
  memberships: 'Groups of the person',
  mapping: 'Mapping',
};

const nestings: readonly (readonly [Nesting, string])[] = [
  ['auto', 'as the directory does it best'],
  ['search', 'are found by searching, level by level'],
  ['memberOf', 'are read from memberOf of each entry'],
  ['matchingRule', "are found by Active Directory's own rule"],
  ['none', 'do not count'],
];

const presets: readonly (readonly [name: string, preset: Partial<Settings>])[] = [
  [
    'Active Directory',
    {
      userFilter:
        '(&(objectCategory=person)(objectClass=user)(|(sAMAccountName={username})(userPrincipalName={username})))',
      groupFilter: '(&(objectClass=group)(member={dn}))',
      nesting: 'auto',
    },
  ],
  [
    'OpenLDAP',
    {
      userFilter: '(&(objectClass=inetOrgPerson)(uid={username}))',
      groupFilter: '(|(member={dn})(uniqueMember={dn})(memberUid={username}))',
      nesting: 'search',
    },
  ],
];

function words(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}
