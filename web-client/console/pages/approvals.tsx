import { useState } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import type { RequestVerb } from '../api/requests.ts';
import { hasRole, useIdentity } from '../identity.tsx';
import { ActDialog, type Task } from '../requests/act-dialog.tsx';
import { RequestTable } from '../requests/request-table.tsx';
import { useRequests } from '../requests/use-requests.ts';
import { isOver, subjectOf } from '../requests/words.ts';
import { EmptyState } from '../ui/feedback.tsx';
import { Page } from '../ui/page.tsx';

const views = {
  'to-decide': 'To decide',
  available: 'Available now',
  approved: 'Begins later',
} as const;
type View = keyof typeof views;

/** What waits for a decision, and what was granted and can be taken back. */
export function Approvals() {
  const { user } = useIdentity();
  const { query } = useRoute();
  const decides = hasRole(user, 'approver');
  const asked = (Object.keys(views) as View[]).find((view) => view === query.view);
  const view = asked ?? (decides ? 'to-decide' : 'available');
  return (
    <Page
      title="Approvals"
      intro={
        view === 'to-decide'
          ? 'Requests of others that wait for you.'
          : 'Access that was granted. Revoking it ends its sessions at once.'
      }
      actions={
        <nav class="tabs" aria-label="Approvals">
          {(Object.keys(views) as View[])
            .filter((one) => decides || one !== 'to-decide')
            .map((one) => (
              <a key={one} href={`/approvals?view=${one}`} aria-current={one === view ? 'page' : undefined}>
                {views[one]}
              </a>
            ))}
        </nav>
      }
    >
      <Results key={view} view={view} />
    </Page>
  );
}

function Results({ view }: { readonly view: View }) {
  const { user } = useIdentity();
  const requests = useRequests(view === 'to-decide' ? { scope: view } : { scope: 'all', state: view });
  const [task, setTask] = useState<Task>();
  return (
    <>
      <RequestTable
        requests={requests}
        what="requests"
        people
        testId="approvals"
        empty={
          view === 'to-decide' ? (
            <EmptyState icon="check" title="Nothing waits for you">
              <p>You are told by a notification when somebody asks for access that you decide on.</p>
              <a class="button" href="/approvals?view=available">
                See what is available now
              </a>
            </EmptyState>
          ) : (
            <EmptyState icon="request" title="Nobody holds such access">
              <p>Access shows up here once it is granted, and can be revoked from here.</p>
              <a class="button" href="/requests?whose=all">
                Look through all requests
              </a>
            </EmptyState>
          )
        }
        actions={(request) => {
          if (request.user.id === user.id || isOver(request.state)) return null;
          const verbs: readonly (readonly [verb: RequestVerb, text: string, kind: string])[] =
            view === 'to-decide'
              ? [
                  ['approve', 'Approve', 'button primary'],
                  ['deny', 'Deny', 'button danger-text'],
                ]
              : [['revoke', 'Revoke', 'button danger-text']];
          return verbs.map(([verb, text, kind]) => (
            <button key={verb} type="button" class={kind} onClick={() => setTask({ verb, request })} data-testid={verb}>
              {text}
              <span class="hidden-text">
                {' '}
                {subjectOf(request)} for {request.user.username}
              </span>
            </button>
          ));
        }}
      />
      {task !== undefined && <ActDialog task={task} done={requests.reload} close={() => setTask(undefined)} />}
    </>
  );
}
