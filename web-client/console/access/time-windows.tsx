import type { TimeWindow } from '../api/requests.ts';
import { CheckField, Field } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { dayNames } from './words.ts';

interface TimeWindowsProps {
  readonly windows: readonly TimeWindow[];
  readonly timeZone: string;
  /** What is so while there is no window. */
  readonly none: string;
  /** Wrong ones, under `window INDEX` and `timeZone`. */
  readonly errors?: Readonly<Record<string, string>>;
  change(fields: { readonly windows?: readonly TimeWindow[]; readonly timeZone?: string }): void;
}

export const officeHours: TimeWindow = { days: [1, 2, 3, 4, 5], from: '08:00', to: '18:00' };
const zones: readonly string[] = Intl.supportedValuesOf('timeZone');

/** Days and hours, any number of them, and by which clock. */
export function TimeWindows({ windows, timeZone, none, errors = {}, change }: TimeWindowsProps) {
  const set = (index: number, fields: Partial<TimeWindow>): void =>
    change({ windows: windows.map((window, at) => (at === index ? { ...window, ...fields } : window)) });
  return (
    <>
      {windows.length === 0 && <p class="quiet">{none}</p>}
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
                  set(index, { days: checked ? [...days, at + 1].sort() : days.filter((day) => day !== at + 1) })
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
              required
              value={from}
              change={(value) => set(index, { from: value })}
              error={errors[`window ${index}`]}
            />
            <Field
              label="To"
              name={`to ${index}`}
              type="time"
              required
              value={to}
              change={(value) => set(index, { to: value })}
            />
            <button
              type="button"
              class="icon-button"
              aria-label={`Remove time window ${index + 1}`}
              onClick={() => change({ windows: windows.filter((_, at) => at !== index) })}
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
        onClick={() => change({ windows: [...windows, officeHours] })}
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
        change={(value) => change({ timeZone: value })}
        error={errors.timeZone}
        help="Such as Europe/Berlin."
      />
      <datalist id="time-zones">
        {zones.map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
    </>
  );
}
