import { request } from '../api/request.ts';
import type { Role } from '../api/types.ts';
import { Field, SelectField } from './fields.tsx';
import { Icon } from './icon.tsx';
import { roleTexts } from './role-fields.tsx';
import { useResource } from './use-resource.ts';

/** What membership in one group of a directory gives here. */
export interface MappingLine {
  /** The group, as the directory names it. */
  readonly name: string;
  readonly roles: readonly Role[];
  readonly groups: readonly string[];
}

interface MappingFieldsProps {
  readonly lines: readonly MappingLine[];
  readonly help?: string;
  change(lines: readonly MappingLine[]): void;
}

interface Group {
  readonly id: string;
  readonly name: string;
}

const groupsHere = (signal?: AbortSignal) => request<readonly Group[]>('GET', '/groups', undefined, signal);

/** Which groups of a directory give what. */
export function MappingFields({ lines: mapping, help = '', change }: MappingFieldsProps) {
  const { value: groups = [] } = useResource(groupsHere);
  const replace = (index: number, part: Partial<MappingLine>): void =>
    change(mapping.map((line, i) => (i === index ? { ...line, ...part } : line)));
  return (
    <fieldset class="field">
      <legend>Groups of the directory</legend>
      <p class="field-help">
        Each gives a role or a group here, and takes it away again. What no line names stays as it is set here. {help}
      </p>
      {mapping.map((line, index) => (
        <div class="mapping-line" key={index}>
          <Field
            label="Group there"
            name={`mapping-group-${index}`}
            required
            value={line.name}
            change={(name) => replace(index, { name })}
          />
          <SelectField
            label="gives"
            name={`mapping-gives-${index}`}
            value={line.roles[0] ?? line.groups[0] ?? ''}
            options={[
              ['', 'nothing'],
              ...roleTexts.map(([role, text]) => [role, text.split(':')[0] ?? role] as const),
              ...groups.map((group) => [group.id, `Group ${group.name}`] as const),
            ]}
            change={(value) => {
              const role = roleTexts.find(([name]) => name === value)?.[0];
              replace(index, {
                roles: role === undefined ? [] : [role],
                groups: role === undefined && value !== '' ? [value] : [],
              });
            }}
          />
          <button
            type="button"
            class="icon-button"
            aria-label={`Remove the line of ${line.name || 'an empty group'}`}
            onClick={() => change(mapping.filter((_, i) => i !== index))}
          >
            <Icon name="remove" />
          </button>
        </div>
      ))}
      <button
        type="button"
        class="button"
        onClick={() => change([...mapping, { name: '', roles: [], groups: [] }])}
        data-testid="add-mapping"
      >
        <Icon name="add" /> Add a line
      </button>
    </fieldset>
  );
}
