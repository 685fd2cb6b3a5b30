import { useState } from 'preact/hooks';
import { supervision } from '../api/supervision.ts';
import type { Session } from '../api/types.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Field, TextField } from '../ui/fields.tsx';

/** What is done to a session by those who watch over it. */
export type SessionAction = 'message' | 'freeze' | 'end';

interface SessionActionDialogProps {
  readonly action: SessionAction;
  readonly session: Pick<Session, 'id' | 'user' | 'target'>;
  /** Whether it is one's own session: nobody has to be told why it ends. */
  readonly own?: boolean;
  done(): void;
  close(): void;
}

export function SessionActionDialog({ action, session, own = false, done, close }: SessionActionDialogProps) {
  const [text, setText] = useState('');
  const { username } = session.user;
  const { title, verb, testId, danger } = {
    message: { title: `Message to ${username}`, verb: 'Send', testId: 'confirm-message', danger: false },
    freeze: { title: `Freeze the session of ${username}?`, verb: 'Freeze', testId: 'confirm-freeze', danger: true },
    end: { title: `End the session of ${username}?`, verb: 'End session', testId: 'confirm-end', danger: true },
  }[action];
  return (
    <Dialog
      title={title}
      action={verb}
      danger={danger}
      testId={testId}
      perform={async () => {
        await supervision[action](session.id, text.trim());
        done();
      }}
      close={close}
    >
      {action === 'freeze' && (
        <p>
          Keyboard and mouse of {username} do nothing on {session.target.name} until you release them. The picture goes
          on.
        </p>
      )}
      {action === 'end' && (
        <p>
          {username} loses the connection to {session.target.name} at once. Programs there keep running until the server
          ends them.
        </p>
      )}
      {action === 'message' && (
        <TextField
          label="Message"
          name="message"
          maxLength={500}
          value={text}
          change={setText}
          help={`It stays on the desktop of ${username} until it is dismissed.`}
        />
      )}
      {action !== 'message' && !own && (
        <Field
          label="Reason (optional)"
          name="reason"
          maxLength={255}
          value={text}
          change={setText}
          help={`${username} reads it.`}
        />
      )}
    </Dialog>
  );
}
