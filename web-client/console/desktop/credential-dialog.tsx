import { useState } from 'preact/hooks';
import { type SessionQuestion, vault } from '../api/vault.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Field } from '../ui/fields.tsx';

interface CredentialDialogProps {
  readonly sessionId: string;
  readonly question: SessionQuestion;
  /** The computer's name. */
  readonly name: string;
  /** @param answered whether it was; otherwise whoever asked is left waiting */
  close(answered: boolean): void;
}

/** Asks for what only the user knows. The gateway keeps it until it is connected, and the page not at all. */
export function CredentialDialog({ sessionId, question, name, close }: CredentialDialogProps) {
  const { wants, again } = question;
  const [username, setUsername] = useState(question.username);
  const [password, setPassword] = useState('');
  const [masterPassword, setMasterPassword] = useState('');
  const [answered] = useState({ yes: false });
  const who = question.domain === '' ? question.username : `${question.domain}\\${question.username}`;
  return (
    <Dialog
      title={again === 'reconnect' ? `Connect to ${name} again` : `Sign in to ${name}`}
      action="Connect"
      testId="supply-credential"
      perform={async () => {
        await vault.supply(sessionId, {
          ...(wants.includes('username') ? { username } : {}),
          ...(wants.includes('password') ? { password } : {}),
          ...(wants.includes('master-password') ? { masterPassword } : {}),
        });
        answered.yes = true;
      }}
      close={() => close(answered.yes)}
    >
      {again === 'reconnect' && (
        <p>The connection was lost. What you typed before was not kept, so please type it again.</p>
      )}
      {again === 'master_password_wrong' && (
        <p role="alert" class="field-error">
          This is not your master password.
        </p>
      )}
      {wants.includes('username') ? (
        <Field
          label="User name"
          name="credential-username"
          autocomplete="off"
          spellcheck={false}
          autocapitalize="none"
          required
          value={username}
          change={setUsername}
          help="DOMAIN\name, name@domain or a name alone."
        />
      ) : (
        wants.includes('password') && (
          <p>
            Password of <span class="strong">{who}</span>
          </p>
        )
      )}
      {wants.includes('password') && (
        <Field
          label="Password"
          name="credential-password"
          type="password"
          autocomplete="off"
          maxLength={256}
          value={password}
          change={setPassword}
          help="Used for this connection, and kept nowhere."
        />
      )}
      {wants.includes('master-password') && (
        <MasterPasswordField name="credential-master" value={masterPassword} change={setMasterPassword} />
      )}
    </Dialog>
  );
}

interface TypeSecretDialogProps {
  readonly sessionId: string;
  readonly account: string;
  close(): void;
}

/** Has the gateway type the account's password where the caret is. It does not come by here. */
export function TypeSecretDialog({ sessionId, account, close }: TypeSecretDialogProps) {
  const [enter, setEnter] = useState(false);
  const [demanded, setDemanded] = useState(false);
  const [masterPassword, setMasterPassword] = useState('');
  return (
    <Dialog
      title="Type the password?"
      action="Type it"
      testId="confirm-type-secret"
      perform={async () => {
        try {
          await vault.typeSecret(sessionId, enter, masterPassword);
        } catch (cause) {
          if ((cause as { code?: unknown }).code === 'master_password_required') setDemanded(true);
          throw cause;
        }
      }}
      close={close}
    >
      <p>
        Oriel types the password of <span class="strong">{account}</span> where the caret is in the desktop. Make sure
        that it is in a field for passwords. That it was typed is written down.
      </p>
      <label class="check">
        <input type="checkbox" checked={enter} onChange={(event) => setEnter(event.currentTarget.checked)} />
        <span>Press Enter after it</span>
      </label>
      {demanded && <MasterPasswordField name="type-master" value={masterPassword} change={setMasterPassword} />}
    </Dialog>
  );
}

interface MasterPasswordFieldProps {
  readonly name: string;
  readonly value: string;
  change(value: string): void;
}

function MasterPasswordField(props: MasterPasswordFieldProps) {
  return <Field {...props} label="Your master password" type="password" autocomplete="off" required />;
}
