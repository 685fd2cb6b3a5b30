import { useId, useState } from 'preact/hooks';
import { matches } from '../format.ts';
import { SearchField } from './fields.tsx';

/** So many are shown at once; a search finds the others. */
const SHOWN = 30;

export interface Choice {
  readonly id: string;
  readonly text: string;
  readonly detail?: string;
}

interface PickListProps {
  readonly legend: string;
  /** What the search is for, such as "users". */
  readonly things: string;
  readonly choices: readonly Choice[];
  /** Ids. What is picked and no longer there stays picked. */
  readonly picked: readonly string[];
  readonly error?: string | undefined;
  readonly help?: string;
  readonly testId: string;
  change(picked: readonly string[]): void;
}

/** Any number of many, to be searched and ticked; what was picked at first comes first. */
export function PickList({ legend, things, choices, picked, error, help, testId, change }: PickListProps) {
  const [search, setSearch] = useState('');
  const [first] = useState(() => new Set(picked));
  const id = useId();
  const found = choices
    .filter(({ text, detail }) => matches(search, text, detail))
    .sort((a, b) => Number(first.has(b.id)) - Number(first.has(a.id)));
  return (
    <fieldset class="field pick-list" aria-describedby={error === undefined ? undefined : id} data-testid={testId}>
      <legend>{legend}</legend>
      {choices.length > 5 && <SearchField label={`Search ${things}`} value={search} change={setSearch} />}
      {error !== undefined && (
        <p class="field-error" id={id} data-testid="field-error">
          {error}
        </p>
      )}
      {found.length > 0 && (
        <ul class="pick-choices">
          {found.slice(0, SHOWN).map((choice) => (
            <li key={choice.id}>
              <label class="check">
                <input
                  type="checkbox"
                  checked={picked.includes(choice.id)}
                  aria-invalid={error !== undefined}
                  onChange={(event) =>
                    change(
                      event.currentTarget.checked
                        ? [...picked, choice.id]
                        : picked.filter((other) => other !== choice.id),
                    )
                  }
                />
                <span>
                  <span>{choice.text}</span>
                  {choice.detail !== undefined && <span class="quiet small"> {choice.detail}</span>}
                </span>
              </label>
            </li>
          ))}
        </ul>
      )}
      {found.length === 0 && (
        <p class="quiet">{search === '' ? `There are no ${things} yet.` : `Nothing matches “${search}”.`}</p>
      )}
      <p class="field-help" role="status">
        {picked.length} picked{found.length > SHOWN && `; ${found.length - SHOWN} more: search to find them`}
      </p>
      {help !== undefined && <p class="field-help">{help}</p>}
    </fieldset>
  );
}
