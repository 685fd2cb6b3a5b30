import { useEffect, useState } from 'preact/hooks';
import { decisions, type OfferedDecision } from '../api/decisions.ts';
import type { ApiError } from '../api/request.ts';
import { formatMoment } from '../format.ts';
import { ErrorNote, Loading } from '../ui/feedback.tsx';
import { Field } from '../ui/fields.tsx';
import { Logo } from '../ui/icon.tsx';
import { toApiError } from '../ui/use-resource.ts';
import { useTitle } from '../ui/use-title.ts';

const MAX_COMMENT = 255;

/**
 * `/decide#token`: where the links of a mail lead. Nothing happens before a person presses the button, for mail programs
 * open links too. The token stands behind the `#`, which no server and no log gets to see.
 */
export function DecidePage() {
  useTitle('Decide');
  const [token] = useState(() => window.location.hash.slice(1));
  const [offered, setOffered] = useState<OfferedDecision>();
  const [comment, setComment] = useState('');
  const [done, setDone] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();

  useEffect(() => {
    // Not left in the address bar, for whoever looks over a shoulder, nor in the history.
    window.history.replaceState(null, '', window.location.pathname);
    decisions.look(token).then(setOffered, (cause: unknown) => setError(toApiError(cause)));
  }, [token]);

  useEffect(() => {
    // A second link that is opened in this tab changes only what is behind the `#`: the page would go on about the first one.
    const open = (): void => {
      if (window.location.hash.length > 1) window.location.reload();
    };
    window.addEventListener('hashchange', open);
    return () => window.removeEventListener('hashchange', open);
  }, []);

  const decide = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      setDone((await decisions.use(token, comment.trim())).state);
    } catch (cause) {
      setError(toApiError(cause));
    }
    setBusy(false);
  };

  const approving = offered?.decision === 'approve';
  return (
    <main class="sign-in">
      <form class="sign-in-card sign-in-wide" onSubmit={decide} data-testid="decide">
        <div class="sign-in-brand">
          <Logo />
          <h1>{offered === undefined ? 'Decide' : approving ? 'Approve access?' : 'Deny access?'}</h1>
          {offered !== undefined && <p class="quiet">{`You decide as ${offered.approver}`}</p>}
        </div>
        {error !== undefined && <ErrorNote error={error} />}
        {offered === undefined && error === undefined && <Loading what="the request" />}
        {offered !== undefined && <Summary offered={offered} />}
        {offered !== undefined && done === undefined && (
          <>
            <Field
              label="Comment"
              name="comment"
              maxLength={MAX_COMMENT}
              value={comment}
              change={setComment}
              help="May be empty. Whoever asked sees it."
            />
            <button
              type="submit"
              class={approving ? 'button primary wide' : 'button danger wide'}
              disabled={busy}
              data-testid="decide-now"
            >
              {approving ? 'Approve' : 'Deny'}
            </button>
          </>
        )}
        {done !== undefined && (
          <p role="status" data-testid="decided">
            {approving
              ? done === 'pending'
                ? 'Approved. Others have to approve it too.'
                : 'Approved.'
              : 'Denied. Nobody gets in by this request.'}
          </p>
        )}
        <a class="button wide" href={offered === undefined ? '/' : `/requests/${offered.request.id}`}>
          Open Oriel
        </a>
      </form>
    </main>
  );
}

function Summary({ offered: { request } }: { readonly offered: OfferedDecision }) {
  return (
    <dl class="decide-facts">
      <dt>Who</dt>
      <dd>{request.user.username}</dd>
      <dt>What</dt>
      <dd>
        {request.items.map(({ account, target, minutes }) => (
          <div key={`${target.name} ${account.username}`}>
            {`${account.username} on ${target.name}, ${minutes} minutes`}
          </div>
        ))}
      </dd>
      <dt>When</dt>
      <dd>{request.wantedAt === null ? 'As soon as it is approved' : formatMoment(request.wantedAt)}</dd>
      {request.reason !== '' && (
        <>
          <dt>Reason</dt>
          <dd>{request.reason}</dd>
        </>
      )}
      {request.comment !== '' && (
        <>
          <dt>Comment</dt>
          <dd>{request.comment}</dd>
        </>
      )}
      {request.ticket !== '' && (
        <>
          <dt>Ticket</dt>
          <dd>{request.ticket}</dd>
        </>
      )}
    </dl>
  );
}
