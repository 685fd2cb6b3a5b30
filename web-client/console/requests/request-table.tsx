import type { ComponentChildren } from 'preact';
import type { AccessRequest, RequestState } from '../api/requests.ts';
import { formatMoment, formatMomentWithin } from '../format.ts';
import { ErrorNote, Loading } from '../ui/feedback.tsx';
import { Table } from '../ui/table.tsx';
import type { RequestList } from './use-requests.ts';
import { formatMinutes, isOver, stateTexts, subjectOf } from './words.ts';

export function StateTag({ state }: { readonly state: RequestState }) {
  const [text, meaning] = stateTexts[state];
  return (
    <span class={`tag state-${state}`} title={meaning} data-testid="state" data-state={state}>
      {text}
    </span>
  );
}

/** What makes a request special, beside its name. */
export function RequestTags({ request }: { readonly request: AccessRequest }) {
  return (
    <>
      {request.emergency && <span class="tag tag-emergency">Emergency</span>}{' '}
      {request.review === 'due' && (
        <span class="tag">{isOver(request.state) ? 'To be reviewed' : 'Will be reviewed'}</span>
      )}{' '}
      {request.review === 'done' && <span class="tag">Reviewed</span>}{' '}
      {request.automatic && <span class="tag">Without asking</span>}
    </>
  );
}

/** From when until when; what is not granted yet, as it was asked for. */
export function AccessTimes({ request }: { readonly request: AccessRequest }) {
  const { startsAt, endsAt, wantedAt, waitsUntil, state } = request;
  if (startsAt !== null && endsAt !== null) {
    return (
      <span class="stacked">
        <span>{formatMoment(startsAt)}</span>
        <span class="quiet small">until {formatMomentWithin(endsAt)}</span>
      </span>
    );
  }
  return (
    <span class="stacked">
      <span>{wantedAt === null ? 'At once' : formatMoment(wantedAt)}</span>
      <span class="quiet small">for {formatMinutes(request.minutes)}</span>
      {state === 'pending' && waitsUntil !== null && (
        <span class="quiet small">waits until {formatMomentWithin(waitsUntil)}</span>
      )}
    </span>
  );
}

interface RequestTableProps {
  readonly requests: RequestList;
  readonly what: string;
  /** Whether they are of several people, who are worth naming. */
  readonly people?: boolean;
  readonly testId: string;
  readonly empty: ComponentChildren;
  actions?(request: AccessRequest): ComponentChildren;
}

/** A list of requests, each a link to its own page, with what can be done at once. */
export function RequestTable({ requests, what, people = false, testId, empty, actions }: RequestTableProps) {
  const { list, more, loadingMore, loadMore, error, reload } = requests;
  return (
    <>
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {list === undefined && error === undefined && <Loading what={what} />}
      <p class="hidden-text" role="status">
        {list !== undefined && `${list.length}${more ? ' or more' : ''} ${what}`}
      </p>
      {list?.length === 0 && empty}
      {list !== undefined && list.length > 0 && (
        <Table columns={['Access to', 'State', 'Time', 'Why']} actions kind="requests-table" testId={testId}>
          {list.map((request) => (
            <tr key={request.id} data-testid="request-row" data-request={request.id}>
              <td data-label="Access to">
                <span class="stacked">
                  <a class="strong" href={`/requests/${encodeURIComponent(request.id)}`}>
                    {subjectOf(request)}
                  </a>
                  <span class="quiet small" title={request.createdAt}>
                    asked {people && `by ${request.user.username}, `}
                    {formatMoment(request.createdAt)}
                  </span>
                  <span>
                    <RequestTags request={request} />
                  </span>
                </span>
              </td>
              <td data-label="State">
                <StateTag state={request.state} />
              </td>
              <td data-label="Time">
                <AccessTimes request={request} />
              </td>
              <td data-label="Why" class="why">
                <Why request={request} />
              </td>
              <td class="row-actions">{actions?.(request)}</td>
            </tr>
          ))}
        </Table>
      )}
      {more && (
        <button type="button" class="button show-more" onClick={loadMore} disabled={loadingMore} data-testid="more">
          Show older ones
        </button>
      )}
    </>
  );
}

function Why({ request: { reason, comment, ticket } }: { readonly request: AccessRequest }) {
  if (reason === '' && comment === '' && ticket === '') return <span class="quiet">–</span>;
  return (
    <span class="stacked">
      {(reason !== '' || ticket !== '') && <span>{[reason, ticket].filter((word) => word !== '').join(', ')}</span>}
      {comment !== '' && <span class="quiet small">{comment}</span>}
    </span>
  );
}
