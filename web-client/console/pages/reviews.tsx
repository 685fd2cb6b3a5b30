import { RequestTable } from '../requests/request-table.tsx';
import { useRequests } from '../requests/use-requests.ts';
import { subjectOf } from '../requests/words.ts';
import { EmptyState } from '../ui/feedback.tsx';
import { Page } from '../ui/page.tsx';

/** Access that is over and that somebody has to look at. */
export function Reviews() {
  const requests = useRequests({ scope: 'to-review' });
  return (
    <Page title="Reviews" intro="Access that is over. Look at what was done with it, and sign it off.">
      <RequestTable
        requests={requests}
        what="reviews"
        people
        testId="reviews"
        empty={
          <EmptyState icon="check" title="Nothing to review">
            <p>Emergencies, and access under policies that ask for a review, come here once they are over.</p>
            <a class="button" href="/recordings">
              Look at recordings
            </a>
          </EmptyState>
        }
        actions={(request) => (
          <a class="button primary" href={`/requests/${encodeURIComponent(request.id)}`} data-testid="review">
            Review
            <span class="hidden-text">
              {' '}
              {subjectOf(request)} of {request.user.username}
            </span>
          </a>
        )}
      />
    </Page>
  );
}
