import type { ComponentChildren } from 'preact';

interface TableProps {
  readonly columns: readonly string[];
  /** A last column of buttons, which needs no title to be seen. */
  readonly actions?: boolean;
  /** A further style class. */
  readonly kind?: string;
  readonly testId?: string | undefined;
  /** The rows; each cell repeats its column's title in `data-label`, for narrow windows. */
  readonly children: ComponentChildren;
}

/** A list with a head; where the window is narrow its rows become cards. */
export function Table({ columns, actions = false, kind, testId, children }: TableProps) {
  return (
    <div class="table-box">
      <table class={kind === undefined ? 'table' : `table ${kind}`} data-testid={testId}>
        <thead>
          <tr>
            {columns.map((title) => (
              <th scope="col" key={title}>
                {title}
              </th>
            ))}
            {actions && (
              <th scope="col">
                <span class="hidden-text">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
