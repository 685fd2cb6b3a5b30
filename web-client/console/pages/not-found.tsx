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
