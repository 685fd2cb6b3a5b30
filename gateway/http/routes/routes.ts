import { RecordingViewings } from '../recording-viewings.ts';
import type { Route } from '../route.ts';
import type { Services } from '../services.ts';
import { accessRoutes } from './access.ts';
import { accountRoutes } from './account.ts';
import { administrationRoutes } from './administration.ts';
import { alertRoutes } from './alerts.ts';
import { auditRoutes } from './audit.ts';
import { directoryRoutes } from './directory.ts';
import { doctorRoutes } from './doctor.ts';
import { evidenceRoutes } from './evidence.ts';
import { forwardingRoutes } from './forwarding.ts';
import { liveRoutes } from './live.ts';
import { notificationRoutes } from './notifications.ts';
import { passkeyRoutes } from './passkeys.ts';
import { recordingRoutes } from './recordings.ts';
import { reportRoutes } from './reports.ts';
import { requestRoutes } from './requests.ts';
import { retentionRoutes } from './retention.ts';
import { secretRoutes } from './secrets.ts';
import { serviceRoutes } from './service.ts';
import { sessionRoutes } from './sessions.ts';
import { signInRoutes } from './sign-in.ts';
import { signInPolicyRoutes } from './sign-in-policy.ts';
import { singleSignOnRoutes } from './single-sign-on.ts';
import { targetRoutes } from './targets.ts';
import { userRoutes } from './users.ts';
import { vaultRoutes } from './vault.ts';

/** Every API route there is. */
export function allRoutes(services: Services): Route[] {
  const viewings = new RecordingViewings(services);
  const routes = [
    ...signInRoutes(services),
    ...accountRoutes(services),
    ...passkeyRoutes(services),
    ...signInPolicyRoutes(services),
    ...singleSignOnRoutes(services),
    ...directoryRoutes(services),
    ...userRoutes(services),
    ...notificationRoutes(services),
    ...targetRoutes(services),
    ...vaultRoutes(services),
    ...accessRoutes(services),
    ...requestRoutes(services),
    ...doctorRoutes(services),
    ...sessionRoutes(services),
    ...secretRoutes(services),
    ...alertRoutes(services),
    ...recordingRoutes(services, viewings),
    ...evidenceRoutes(services, viewings),
    ...liveRoutes(services, viewings),
    ...retentionRoutes(services),
    ...auditRoutes(services),
    ...forwardingRoutes(services),
    ...reportRoutes(services),
    ...administrationRoutes(services),
  ];
  return [...routes, ...serviceRoutes(routes, services.version)];
}
