import type { Route } from '../route.ts';
import type { Services } from '../services.ts';
import { administrationRoutes } from './administration.ts';
import { doctorRoutes } from './doctor.ts';
import { evidenceRoutes } from './evidence.ts';
import { liveRoutes } from './live.ts';
import { recordingRoutes } from './recordings.ts';
import { retentionRoutes } from './retention.ts';
import { serviceRoutes } from './service.ts';
import { sessionRoutes } from './sessions.ts';
import { signInRoutes } from './sign-in.ts';
import { targetRoutes } from './targets.ts';

/** Every API route there is. */
export function allRoutes(services: Services): Route[] {
  const routes = [
    ...signInRoutes(services),
    ...targetRoutes(services),
    ...doctorRoutes(services),
    ...sessionRoutes(services),
    ...recordingRoutes(services),
    ...evidenceRoutes(services),
    ...liveRoutes(services),
    ...retentionRoutes(services),
    ...administrationRoutes(services),
  ];
  return [...routes, ...serviceRoutes(routes, services.version)];
}
