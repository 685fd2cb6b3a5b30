import type { Group } from '../api/access.ts';
import { CheckField, Field, SelectField } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import type { PolicyErrors, PolicyForm } from './policy-form.ts';
import { dayNames } from './words.ts';

export interface PartProps {
  readonly form: PolicyForm;
  readonly errors: PolicyErrors;
  readonly groups: readonly Group[];
  set(change: Partial<PolicyForm>): void;
}

const MAX_STEPS = 10;
const zones: readonly string[] = Intl.supportedValuesOf('timeZone');

/** Who approves, one step after the other. */
export function ApprovalSteps({ form: { steps }, errors, groups, set }: PartProps) {
  const change = (index: number, fields: Partial<PolicyForm['steps'][number]>): void =>
    set({ steps: steps.map((step, at) => (at === index ? { ...step, ...fields } : step)) });
  return (
    <>
      {steps.length === 0 && <p class="quiet">No approval is needed (default).</p>}
      {steps.map((step, index) => (
        <fieldset class="policy-step" key={`step ${index + 1}`} data-testid="approval-step">
          <legend class="hidden-text">Approval step {index + 1}</legend>
          <Field
            label="How many"
            name={`needed ${index}`}
            type="number"
            min="1"
            max="20"
            value={step.needed}
            change={(needed) => change(index, { needed })}
            error={errors[`needed ${index}`]}
          />
          <SelectField
            label={index === 0 ? 'Of' : 'Then of'}
            name={`group ${index}`}
            value={step.group}
            change={(group) => change(index, { group })}
            options={[['', 'Any approvers'], ...groups.map(({ id, name }) => [id, name] as const)]}
          />
          <button
            type="button"
            class="icon-button"
            aria-label={`Remove approval step ${index + 1}`}
            onClick={() => set({ steps: steps.filter((_, at) => at !== index) })}
          >
            <Icon name="close" />
          </button>
        </fieldset>
      ))}
      {steps.length < MAX_STEPS && (
        <button
          type="button"
          class="button"
          onClick={() => set({ steps: [...steps, { needed: '1', group: '' }] })}
          data-testid="add-step"
        >
          <Icon name="add" /> Add an approval step
        </button>
      )}
    </>
  );
}

/** When sessions may be opened, and by which clock. */
export function TimeWindows({ form: { windows, timeZone }, errors, set }: PartProps) {
  const change = (index: number, fields: Partial<PolicyForm['windows'][number]>): void =>
    set({ windows: windows.map((window, at) => (at === index ? { ...window, ...fields } : window)) });
  return (
    <>
      {windows.length === 0 && <p class="quiet">Sessions may be opened at any time (default).</p>}
      {windows.map(({ days, from, to }, index) => (
        <fieldset class="policy-window" key={`window ${index + 1}`} data-testid="time-window">
          <legend class="hidden-text">Time window {index + 1}</legend>
          <div class="policy-days">
            {dayNames.map((name, at) => (
              <CheckField
                key={name}
                name={`day ${index} ${at + 1}`}
                checked={days.includes(at + 1)}
                change={(checked) =>
                  change(index, {
                    days: checked ? [...days, at + 1].sort() : days.filter((day) => day !== at + 1),
                  })
                }
              >
                {name}
              </CheckField>
            ))}
          </div>
          <div class="policy-times">
            <Field
              label="From"
              name={`from ${index}`}
              type="time"
              value={from}
              change={(value) => change(index, { from: value })}
              error={errors[`window ${index}`]}
            />
            <Field
              label="To"
              name={`to ${index}`}
              type="time"
              value={to}
              change={(value) => change(index, { to: value })}
            />
            <button
              type="button"
              class="icon-button"
              aria-label={`Remove time window ${index + 1}`}
              onClick={() => set({ windows: windows.filter((_, at) => at !== index) })}
            >
              <Icon name="close" />
            </button>
          </div>
          {to !== '' && to <= from && <p class="field-help">Until {to} of the next day.</p>}
        </fieldset>
      ))}
      <button
        type="button"
        class="button"
        onClick={() => set({ windows: [...windows, { days: [1, 2, 3, 4, 5], from: '08:00', to: '18:00' }] })}
        data-testid="add-window"
      >
        <Icon name="add" /> Add a time window
      </button>
      <Field
        label="Time zone of the windows"
        name="timeZone"
        list="time-zones"
        spellcheck={false}
        autocomplete="off"
        maxLength={64}
        value={timeZone}
        change={(value) => set({ timeZone: value })}
        error={errors.timeZone}
        help="Such as Europe/Berlin. Default: UTC."
      />
      <datalist id="time-zones">
        {zones.map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
    </>
  );
}
