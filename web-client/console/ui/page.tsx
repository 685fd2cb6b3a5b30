import type { ComponentChildren } from 'preact';
import { useTitle } from './use-title.ts';

interface PageProps {
  readonly title: string;
  readonly intro?: ComponentChildren;
  /** Search fields and buttons that act on the whole page. */
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Page({ title, intro, actions, children }: PageProps) {
  useTitle(title);
  return (
    <div class="page">
      <header class="page-head">
        <div class="page-title">
          <h1>{title}</h1>
          {intro !== undefined && <p class="quiet">{intro}</p>}
        </div>
        {actions !== undefined && <div class="page-actions">{actions}</div>}
      </header>
      {children}
    </div>
  );
}
