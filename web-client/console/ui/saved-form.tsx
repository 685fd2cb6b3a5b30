import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { ApiError } from '../api/request.ts';
import { ErrorNote } from './feedback.tsx';
import { toApiError } from './use-resource.ts';

interface SavedFormProps {
  readonly title: string;
  readonly help?: ComponentChildren;
  readonly testId: string;
  readonly children: ComponentChildren;
  /** Buttons beside "Save". */
  readonly more?: ComponentChildren;
  save(): Promise<unknown>;
}

/** Settings that are saved together; says so when they are. */
export function SavedForm({ title, help, testId, children, more, save }: SavedFormProps) {
  const [state, setState] = useState<'changed' | 'busy' | 'saved'>('changed');
  const [error, setError] = useState<ApiError>();
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setState('busy');
    setError(undefined);
    try {
      await save();
      setState('saved');
    } catch (cause) {
      setError(toApiError(cause));
      setState('changed');
    }
  };
  return (
    <form class="setting setting-form" onSubmit={submit} onInput={() => setState('changed')} data-testid={testId}>
      <h2>{title}</h2>
      {help !== undefined && <p class="field-help">{help}</p>}
      {children}
      {error !== undefined && <ErrorNote error={error} />}
      <div class="button-row">
        <button type="submit" class="button primary" disabled={state === 'busy'}>
          Save
        </button>
        {more}
        <span class="quiet" role="status">
          {state === 'saved' ? 'Saved' : ''}
        </span>
      </div>
    </form>
  );
}
