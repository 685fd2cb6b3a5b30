import { changesOf } from '../../audit/changes.ts';
import type { Settings } from '../../settings/settings.ts';
import { type Route, route } from '../route.ts';
import { components, object, ref } from '../schemas.ts';
import type { Services } from '../services.ts';

export function administrationRoutes(services: Services): Route[] {
  return settingRoutes(services);
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
        const before = await settings.read();
        const changed = await settings.change(body);
        await audit.record({ action: 'setting.changed', actor, address, details: changesOf(before, changed) });
        return changed;
      },
    }),
  ];
}
