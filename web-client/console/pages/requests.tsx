import { useState } from 'preact/hooks';
import { type RequestFilter, type RequestState, requestStates } from '../api/requests.ts';
import { hasRole, useIdentity } from '../identity.tsx';
import { ActDialog, type Task } from '../requests/act-dialog.tsx';
import { RequestTable } from '../requests/request-table.tsx';
import { useRequests } from '../requests/use-requests.ts';
import { isOver, stateTexts } from '../requests/words.ts';
import { EmptyState } from '../ui/feedback.tsx';
import { Field, SearchField, SelectField } from '../ui/fields.tsx';
import { useFilterForm } from '../ui/filter-form.tsx';
import { formInAddress } from '../ui/form-address.ts';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { desktopPath } from './desktops.tsx';

/** What the form says, and the page's address with it. Days are of the user's own calendar: `2026-11-22`. */
function requestForm(whose: 'own' | 'all') {
  return formInAddress('/requests', { search: '', state: '', kind: 'asked', whose: whose as string, from: '', to: '' });
}
type RequestForm = ReturnType<typeof requestForm>['emptyForm'];

/** What one has asked for; for those who see more, what everybody has. */
export function Requests() {
  const { user } = useIdentity();
  const seesMore = hasRole(user, 'approver', 'session-admin', 'auditor');
  const asks = hasRole(user, 'user');
  const page = requestForm(asks ? 'own' : 'all');
  const { form, asked, change, replace } = useFilterForm(page);

  return (
    <Page
      title={form.whose === 'own' ? 'My requests' : 'Requests'}
      intro="Access that was asked for, the newest first. Times are your own."
      actions={
        <>
          <SearchField label="Search requests" value={form.search} change={change('search')} />
          {asks && (
            <a class="button primary" href="/requests/new" data-testid="new-request">
              <Icon name="add" /> New request
            </a>
          )}
        </>
      }
    >
      <form class="filters" aria-label="Filter" onSubmit={(event) => event.preventDefault()}>
        <SelectField
          label="State"
          name="state"
          value={form.state}
          change={change('state')}
          options={[['', 'Any'], ...requestStates.map((state) => [state, stateTexts[state][0]] as const)]}
        />
        <SelectField
          label="Kind"
          name="kind"
          value={form.kind}
          change={change('kind')}
          options={[
            ['asked', 'Asked for'],
            ['emergency', 'Emergency'],
            ['automatic', 'Without asking'],
            ['any', 'Any'],
          ]}
        />
        <Field label="Asked from" name="from" type="date" value={form.from} change={change('from')} />
        <Field label="Asked until" name="to" type="date" value={form.to} change={change('to')} />
        {asks && seesMore && (
          <SelectField
            label="Whose"
            name="whose"
            value={form.whose}
            change={change('whose')}
            options={[
              ['own', 'Mine'],
              ['all', 'All that I may see'],
            ]}
          />
        )}
      </form>
      <Results
        key={JSON.stringify(asked)}
        form={asked}
        asks={asks}
        filtered={page.addressOf({ ...asked, whose: page.emptyForm.whose }) !== page.addressOf(page.emptyForm)}
        clear={() => replace({ ...page.emptyForm, whose: form.whose })}
      />
    </Page>
  );
}

interface ResultsProps {
  readonly form: RequestForm;
  readonly asks: boolean;
  readonly filtered: boolean;
  clear(): void;
}

function Results({ form, asks, filtered, clear }: ResultsProps) {
  const { user } = useIdentity();
  const requests = useRequests(filterOf(form));
  const [task, setTask] = useState<Task>();
  return (
    <>
      <RequestTable
        requests={requests}
        what="requests"
        people={form.whose !== 'own'}
        testId="requests"
        empty={
          filtered ? (
            <EmptyState icon="search" title="No request is like that">
              <button type="button" class="button" onClick={clear}>
                Show all requests
              </button>
            </EmptyState>
          ) : (
            <EmptyState icon="request" title="Nothing asked for yet">
              <p>Access to a desktop that asks for approval or a reason begins with a request.</p>
              {asks && (
                <a class="button primary" href="/requests/new">
                  Make a request
                </a>
              )}
            </EmptyState>
          )
        }
        actions={(request) => {
          if (request.user.id !== user.id || isOver(request.state) || request.automatic) return null;
          const [only, ...others] = request.items;
          const name = `${only?.account.username} on ${only?.target.name}`;
          return (
            <>
              {request.state === 'available' && only !== undefined && others.length === 0 && (
                <a
                  class="button primary"
                  href={desktopPath(only.target, only.account.id, request.id)}
                  aria-label={`Connect: ${name}`}
                  data-testid="connect"
                >
                  Connect
                </a>
              )}
              {request.state === 'available' && others.length > 0 && (
                <a class="button primary" href={`/requests/${request.id}`} aria-label={`Open the request: ${name}`}>
                  Open
                </a>
              )}
              <button
                type="button"
                class="button"
                onClick={() => setTask({ verb: 'check-in', request })}
                data-testid="check-in"
              >
                {request.state === 'available' ? 'Check in' : 'Withdraw'}
                <span class="hidden-text"> {name}</span>
              </button>
            </>
          );
        }}
      />
      {task !== undefined && <ActDialog task={task} done={requests.reload} close={() => setTask(undefined)} />}
    </>
  );
}

function filterOf({ search, state, kind, whose, from, to }: RequestForm): RequestFilter {
  const known = requestStates.find((one): one is RequestState => one === state);
  return {
    scope: whose === 'own' ? 'own' : 'all',
    search: search.trim().slice(0, 128),
    state: known ?? '',
    emergency: kind === 'emergency' ? true : undefined,
    automatic: kind === 'asked' ? false : kind === 'automatic' ? true : undefined,
    from: beginOf(from, 0),
    to: beginOf(to, 1),
  };
}

/** The moment that a day of the user's calendar begins, or one some days after it; empty when it is no day. */
function beginOf(day: string, later: number): string {
  // Without a zone it is by the user's own clock.
  const at = new Date(`${day}T00:00`);
  at.setDate(at.getDate() + later);
  return Number.isNaN(at.getTime()) ? '' : at.toISOString();
}
