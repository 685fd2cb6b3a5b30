import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { TEXT_LIMIT } from './form-address.ts';
import { Icon } from './icon.tsx';

interface FieldProps {
  readonly label: string;
  readonly help?: string | undefined;
  /** What is wrong with it. */
  readonly error?: string | undefined;
  readonly name: string;
  readonly type?: 'text' | 'password' | 'number' | 'date' | 'time' | 'datetime-local';
  readonly value: string;
  readonly placeholder?: string;
  readonly required?: boolean;
  readonly autofocus?: boolean;
  readonly spellcheck?: boolean;
  readonly autocomplete?: string;
  /** Id of a datalist with suggestions. */
  readonly list?: string;
  readonly autocapitalize?: 'none';
  readonly min?: string;
  readonly max?: string;
  readonly step?: 'any';
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  /** What `pattern` asks for, in the browser's complaint. */
  readonly title?: string;
  change(value: string): void;
}

/** A labelled text field. */
export function Field({ label, help, error, value, change, type = 'text', ...input }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...input}
        id={id}
        // The types tie each input type to a set of roles; this component passes no role.
        type={type as 'text'}
        value={value}
        aria-invalid={error !== undefined}
        aria-describedby={describedBy(id, help, error)}
        onInput={(event) => change(event.currentTarget.value)}
      />
      <FieldNotes id={id} help={help} error={error} />
    </div>
  );
}

type PortFieldProps = Pick<FieldProps, 'name' | 'value' | 'change'>;

/** A labelled field for a TCP port. */
export function PortField(props: PortFieldProps) {
  return <Field {...props} label="Port" type="number" min="1" max="65535" required />;
}

interface TextFieldProps {
  readonly label: string;
  readonly help?: string | undefined;
  readonly error?: string | undefined;
  readonly name: string;
  readonly value: string;
  /** Counted beside the text. */
  readonly maxLength: number;
  change(value: string): void;
}

/** A labelled field for several lines, which says how many characters are left. */
export function TextField({ label, help, error, name, value, maxLength, change }: TextFieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        name={name}
        rows={3}
        value={value}
        maxLength={maxLength}
        aria-invalid={error !== undefined}
        aria-describedby={`${describedBy(id, help, error) ?? ''} ${id}-count`.trim()}
        onInput={(event) => change(event.currentTarget.value)}
      />
      <p class="field-help field-count" id={`${id}-count`}>
        {value.length} of {maxLength} characters
      </p>
      <FieldNotes id={id} help={help} error={error} />
    </div>
  );
}

interface FieldNotesProps {
  /** Of the input; its `aria-describedby` is `describedBy` of the same. */
  readonly id: string;
  readonly help: string | undefined;
  readonly error: string | undefined;
}

/** What stands below an input: what is wrong with it, and help. */
export function FieldNotes({ id, help, error }: FieldNotesProps) {
  return (
    <>
      {error !== undefined && (
        <p class="field-error" id={`${id}-error`} data-testid="field-error">
          {error}
        </p>
      )}
      {help !== undefined && (
        <p class="field-help" id={`${id}-help`}>
          {help}
        </p>
      )}
    </>
  );
}

export function describedBy(id: string, help: string | undefined, error: string | undefined): string | undefined {
  const ids = [error === undefined ? '' : `${id}-error`, help === undefined ? '' : `${id}-help`];
  return ids.filter((part) => part !== '').join(' ') || undefined;
}

interface SelectFieldProps {
  readonly label: string;
  readonly help?: string | undefined;
  readonly error?: string | undefined;
  readonly value: string;
  readonly name?: string;
  readonly options: readonly (readonly [value: string, text: string])[];
  change(value: string): void;
}

export function SelectField({ label, help, error, value, name, options, change }: SelectFieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        name={name}
        value={value}
        aria-invalid={error !== undefined}
        aria-describedby={describedBy(id, help, error)}
        onChange={(event) => change(event.currentTarget.value)}
      >
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
      <FieldNotes id={id} help={help} error={error} />
    </div>
  );
}

interface CheckFieldProps {
  readonly checked: boolean;
  readonly name?: string;
  readonly disabled?: boolean;
  readonly children: ComponentChildren;
  change(checked: boolean): void;
}

export function CheckField({ checked, name, disabled, children, change }: CheckFieldProps) {
  return (
    <label class="check">
      <input
        type="checkbox"
        name={name}
        checked={checked}
        disabled={disabled}
        onChange={(event) => change(event.currentTarget.checked)}
      />
      <span>{children}</span>
    </label>
  );
}

interface SearchFieldProps {
  readonly label: string;
  readonly value: string;
  change(value: string): void;
}

export function SearchField({ label, value, change }: SearchFieldProps) {
  return (
    <div class="search">
      <Icon name="search" />
      <input
        type="search"
        name="search"
        value={value}
        placeholder={label}
        aria-label={label}
        autocomplete="off"
        spellcheck={false}
        maxLength={TEXT_LIMIT}
        onInput={(event) => change(event.currentTarget.value)}
      />
    </div>
  );
}
