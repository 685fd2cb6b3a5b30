/** A form of texts. */
export type TextForm = Readonly<Record<string, string>>;

/** How a page's address holds what its form says. */
export interface FormInAddress<Form extends TextForm> {
  /** As it is where nothing is asked. */
  readonly emptyForm: Form;
  /** Reads the page's address; what it does not say is as in the empty form. */
  formOf(query: Readonly<Record<string, string>>): Form;
  /** The page's address for this form. @param path where the page is, if it stands in the place of another one */
  addressOf(form: Form, path?: string): string;
}

export function formInAddress<Form extends TextForm>(path: string, emptyForm: Form): FormInAddress<Form> {
  return {
    emptyForm,
    formOf(query) {
      const texts = Object.entries(emptyForm).map(([name, text]) => [name, (query[name] ?? text).slice(0, TEXT_LIMIT)]);
      return Object.fromEntries(texts);
    },
    addressOf(form, at = path) {
      const query = new URLSearchParams(Object.entries(form).filter(([name, value]) => value !== emptyForm[name]));
      return query.size === 0 ? at : `${at}?${query}`;
    },
  };
}

export function isEmpty(form: TextForm): boolean {
  return Object.values(form).every((value) => value.trim() === '');
}

/** As long as the API takes. */
export const TEXT_LIMIT = 128;
