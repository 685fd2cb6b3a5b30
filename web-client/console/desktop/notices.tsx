import type { Notice } from '../../viewer/remote-desktop.ts';
import { Icon } from '../ui/icon.tsx';

/** Over the desktop while an administrator holds its input back: what is seen goes on, what is typed does not. */
export function FrozenNote({ notice }: { readonly notice: Notice }) {
  return (
    <div class="frozen" role="alert" data-testid="frozen">
      <p class="frozen-note">
        <Icon name="pause" />
        <span>
          <strong>{notice.message}</strong>
          {notice.from !== undefined && ` (${notice.from})`}
        </span>
      </p>
    </div>
  );
}

interface MessagesProps {
  readonly messages: readonly Notice[];
  dismiss(message: Notice): void;
}

/** Texts from administrators, each until it is dismissed. */
export function Messages({ messages, dismiss }: MessagesProps) {
  if (messages.length === 0) return null;
  return (
    <div class="messages" data-testid="messages">
      {messages.map((message) => (
        <div key={message} class="panel" role="alert">
          <p class="quiet small">Message from {message.from ?? 'an administrator'}</p>
          <p class="message-text">{message.message}</p>
          <button type="button" class="button" onClick={() => dismiss(message)} data-testid="dismiss">
            Dismiss
          </button>
        </div>
      ))}
    </div>
  );
}
