import { auditActions } from '../../audit/audit.ts';

import type { Settings } from '../../settings/settings.ts';
import { type Route, route } from '../route.ts';
import { array, components, object, ref } from '../schemas.ts';
import type { Services } from '../services.ts';

export function administrationRoutes(services: Services): Route[] {
  return [...auditRoutes(services), ...settingRoutes(services)];
}

function auditRoutes({ audit }: Services): Route[] {
  return [
    route<undefined, { limit: number; before?: number; action?: string; sessionId?: string }>({
      method: 'get',
      path: '/api/audit',
      id: 'listAudit',
      tag: 'audit',
      summary: 'Who did what, the newest first',
      access: 'audit.view',
      query: object(
        {
          limit: { type: 'integer', minimum: 1, maximum: 1000, default: 200 },
          before: { type: 'integer', minimum: 1, description: 'id of the last entry seen' },
          action: { enum: [...auditActions] },
          sessionId: { type: 'string', maxLength: 32 },
        },
        ['limit', 'before', 'action', 'sessionId'],
      ),
      status: 200,
      response: array(ref('AuditEntry')),
      errors: [],
      handle: ({ query }) => audit.list(query),
    }),
  ];
}

function settingRoutes({ settings, audit }: Services): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/settings',
      id: 'getSettings',
      tag: 'settings',
      summary: 'The settings',
      access: 'setting.manage',
      status: 200,
      response: ref('Settings'),
      errors: [],
      handle: () => settings.read(),
    }),
    route<Partial<Settings>>({
      method: 'patch',
      path: '/api/settings',
      id: 'changeSettings',
      tag: 'settings',
      summary: 'Change settings',
      access: 'setting.manage',
      body: object(components.Settings.properties as never, Object.keys(components.Settings.properties as object)),
      status: 200,
      response: ref('Settings'),
      errors: [],
      async handle({ body, actor, address }) {
        const changed = await settings.change(body);
        await audit.record({ action: 'setting.changed', actor, address, details: { ...body } });
        return changed;
      },
    }),
  ];
}
