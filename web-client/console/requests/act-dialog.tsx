import { useState } from 'preact/hooks';
import { type AccessRequest, type RequestVerb, requests } from '../api/requests.ts';
import { Dialog } from '../ui/dialog.tsx';
import { TextField } from '../ui/fields.tsx';
import { countsChanged } from '../ui/use-counts.ts';
import { MAX_COMMENT } from './new-request-form.ts';
import { subjectOf } from './words.ts';

/** Something that somebody is about to do with a request. */
export interface Task {
  readonly verb: RequestVerb;
  readonly request: AccessRequest;
}

interface Words {
  readonly title: string;
  readonly action: string;
  readonly danger: boolean;
  readonly text: string;
}

function wordsOf({ verb, request }: Task): Words {
  const { username } = request.user;
  const live = request.state === 'available';
  switch (verb) {
    case 'approve':
      return { title: `Approve the request of ${username}?`, action: 'Approve', danger: false, text: '' };
    case 'deny':
      return {
        title: `Deny the request of ${username}?`,
        action: 'Deny',
        danger: true,
        text: 'Nobody else can approve it then.',
      };
    case 'revoke':
      return {
        title: `Revoke the access of ${username}?`,
        action: 'Revoke',
        danger: true,
        text: live ? 'Sessions that are open under it end at once.' : 'It cannot be used any more.',
      };
    case 'check-in':
      return live
        ? {
            title: 'Check in now?',
            action: 'Check in',
            danger: true,
            text: 'Your access ends, and so do its open sessions.',
          }
        : {
            title: 'Withdraw this request?',
            action: 'Withdraw',
            danger: true,
            text: 'Nobody has to decide on it any more.',
          };
    case 'review':
      return {
        title: `Sign off what ${username} did?`,
        action: 'Sign off',
        danger: false,
        text: 'You confirm that you have looked at the request and at its sessions.',
      };
  }
}

interface ActDialogProps {
  readonly task: Task;
  done(): void;
  close(): void;
}

/** Asks for a comment, and does it. */
export function ActDialog({ task, done, close }: ActDialogProps) {
  const [comment, setComment] = useState('');
  const { title, action, danger, text } = wordsOf(task);
  return (
    <Dialog
      title={title}
      action={action}
      danger={danger}
      testId="confirm-act"
      perform={async () => {
        await requests.act(task.request.id, task.verb, comment.trim());
        countsChanged();
        done();
      }}
      close={close}
    >
      <p>
        <span class="strong">{subjectOf(task.request)}</span>
        {text !== '' && `. ${text}`}
      </p>
      <TextField
        label="Comment (optional)"
        name="act-comment"
        maxLength={MAX_COMMENT}
        value={comment}
        change={setComment}
      />
    </Dialog>
  );
}
