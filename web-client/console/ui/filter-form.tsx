import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { type FormInAddress, isEmpty, type TextForm } from './form-address.ts';
import { Icon } from './icon.tsx';

/** After the last key: each letter is not a question. */
const TYPING_PAUSE_MS = 250;

/** What a page is asked for. */
export interface FilterForm<Form extends TextForm> {
  readonly form: Form;
  /** What of it to look for: as the form was when typing paused. */
  readonly asked: Form;
  /** Whether the fields are shown. */
  readonly open: boolean;
  change(field: keyof Form): (value: string) => void;
  replace(form: Form): void;
  clear(): void;
  toggle(): void;
}

/**
 * Says what the page's address says, and keeps that up to date: a link to the page, or a step back, changes what is asked.
 * The fields are open from the beginning where more than `search` is asked.
 */
export function useFilterForm<Form extends TextForm>(page: FormInAddress<Form>): FilterForm<Form> {
  const { path, query, route } = useLocation();
  const [form, setForm] = useState(() => page.formOf(query));
  const [asked, setAsked] = useState(form);
  const [open, setOpen] = useState(() => !isEmpty({ ...form, search: '' }));
  useEffect(() => {
    if (form === asked) return;
    const timer = setTimeout(() => {
      setAsked(form);
      // In place: what one looks for is kept with the page, without a step back for every letter.
      route(page.addressOf(form, path), true);
    }, TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [form, asked]);
  useEffect(() => {
    const said = page.formOf(query);
    if (page.addressOf(said) === page.addressOf(page.formOf(asked))) return;
    setForm(said);
    setAsked(said);
  }, [query]);
  return {
    form,
    asked,
    open,
    change: (field) => (value) => setForm((before) => ({ ...before, [field]: value })),
    replace: setForm,
    clear: () => setForm(page.emptyForm),
    toggle: () => setOpen(!open),
  };
}

interface FilterButtonProps {
  /** Id of the fields. */
  readonly controls: string;
  readonly open: boolean;
  toggle(): void;
}

export function FilterButton({ controls, open, toggle }: FilterButtonProps) {
  return (
    <button
      type="button"
      class="button"
      aria-expanded={open}
      aria-controls={controls}
      onClick={toggle}
      data-testid="filters"
    >
      <Icon name="settings" /> Filter
    </button>
  );
}

interface FilterFieldsProps {
  readonly id: string;
  readonly form: TextForm;
  readonly children: ComponentChildren;
  clear(): void;
}

export function FilterFields({ id, form, children, clear }: FilterFieldsProps) {
  return (
    <form class="filters" id={id} aria-label="Filter" onSubmit={(event) => event.preventDefault()}>
      {children}
      <button type="button" class="button" onClick={clear} disabled={isEmpty(form)}>
        Clear
      </button>
    </form>
  );
}
