import { EmptyState } from '../ui/feedback.tsx';
import { Page } from '../ui/page.tsx';

export function NotFound() {
  return (
    <Page title="Nothing here">
      <EmptyState icon="search" title="There is no page at this address">
        <a class="button" href="/">
          To the first page
        </a>
      </EmptyState>
    </Page>
  );
}

/** In the place of a page of which this person could use nothing. */
export function NotForYou() {
  return (
    <Page title="Not for you">
      <EmptyState icon="policy" title="This page is for other roles">
        <p>What you may do is in the menu. If this page should be there, ask an administrator for its role.</p>
        <a class="button" href="/">
          To the first page
        </a>
      </EmptyState>
    </Page>
  );
}
