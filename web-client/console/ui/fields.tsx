import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { Icon } from './icon.tsx';

interface FieldProps {
  readonly label: string;
  readonly help?: string;
  readonly name: string;
  readonly type?: 'text' | 'password' | 'number' | 'date';
  readonly value: string;
  readonly required?: boolean;
  readonly autofocus?: boolean;
  readonly spellcheck?: boolean;
  readonly autocomplete?: string;
  readonly autocapitalize?: 'none';
  readonly min?: string;
  readonly max?: string;
  readonly step?: 'any';
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  change(value: string): void;
}

/** A labelled text field. */
export function Field({ label, help, value, change, type = 'text', ...input }: FieldProps) {
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
        aria-describedby={help === undefined ? undefined : `${id}-help`}
        onInput={(event) => change(event.currentTarget.value)}
      />
      {help !== undefined && (
        <p class="field-help" id={`${id}-help`}>
          {help}
        </p>
      )}
    </div>
  );
}

interface SelectFieldProps {
  readonly label: string;
  readonly help?: string;
  readonly value: string;
  readonly name?: string;
  readonly options: readonly (readonly [value: string, text: string])[];
  change(value: string): void;
}

export function SelectField({ label, help, value, name, options, change }: SelectFieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        name={name}
        value={value}
        aria-describedby={help === undefined ? undefined : `${id}-help`}
        onChange={(event) => change(event.currentTarget.value)}
      >
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
      {help !== undefined && (
        <p class="field-help" id={`${id}-help`}>
          {help}
        </p>
      )}
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
        onInput={(event) => change(event.currentTarget.value)}
      />
    </div>
  );
}
