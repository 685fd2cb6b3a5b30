import type { Group } from '../api/access.ts';
import { Field, SelectField } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import type { PolicyErrors, PolicyForm } from './policy-form.ts';

export interface PartProps {
  readonly form: PolicyForm;
  readonly errors: PolicyErrors;
  readonly groups: readonly Group[];
  set(change: Partial<PolicyForm>): void;
}

const MAX_STEPS = 10;

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
