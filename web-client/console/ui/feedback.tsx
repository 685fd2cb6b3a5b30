import type { ComponentChildren } from 'preact';
import type { ApiError } from '../api/request.ts';
import type { IconName } from './icon.tsx';
import { Icon } from './icon.tsx';

/** What went wrong, what to do about it, and the code to quote. */
export function ErrorNote({ error, retry }: { readonly error: ApiError; readonly retry?: (() => void) | undefined }) {
  return (
    <div class="note note-error" role="alert">
      <Icon name="warning" />
      <div class="note-text">
        <p>{error.message}</p>
        {error.detail !== undefined && <p class="quiet">{error.detail}</p>}
        {error.hint !== undefined && <p class="quiet">{error.hint}</p>}
        <p class="quiet small">
          Code <code data-testid="error-code">{error.code}</code>
        </p>
      </div>
      {retry !== undefined && (
        <button type="button" class="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

interface EmptyStateProps {
  readonly icon: IconName;
  readonly title: string;
  readonly children?: ComponentChildren;
}

/** Says what would be here, and what to do next. */
export function EmptyState({ icon, title, children }: EmptyStateProps) {
  return (
    <div class="empty" data-testid="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Stands in while the first answer is on its way; shows only after a moment, so that quick answers do not flicker. */
export function Loading({ what }: { readonly what: string }) {
  return (
    <p class="loading" role="status">
      <span class="spinner" aria-hidden="true" /> Loading {what}…
    </p>
  );
}
