import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { LocationProvider, lazy, Route, Router, useLocation } from 'preact-iso';
import { gateway } from './api/gateway.ts';
import type { ApiError } from './api/request.ts';
import { whenSignedOut } from './api/request.ts';
import type { User } from './api/types.ts';
import { hasRole, IdentityContext, useIdentity } from './identity.tsx';
import { Desktops } from './pages/desktops.tsx';
import { NotFound } from './pages/not-found.tsx';
import { Recordings } from './pages/recordings.tsx';
import { Sessions } from './pages/sessions.tsx';
import { SignIn } from './pages/sign-in.tsx';
import { Shell } from './shell.tsx';
import { ErrorNote, Loading } from './ui/feedback.tsx';
import { toApiError } from './ui/use-resource.ts';

// The desktop brings decoders, the rest is for few: neither holds up the first page.
const Desktop = lazy(() => import('./pages/desktop.tsx').then((page) => page.Desktop));
const Watch = lazy(() => import('./pages/watch.tsx').then((page) => page.Watch));
const RecordingPage = lazy(() => import('./pages/recording.tsx').then((page) => page.RecordingPage));
const Targets = lazy(() => import('./pages/targets.tsx').then((page) => page.Targets));
const Users = lazy(() => import('./pages/users.tsx').then((page) => page.Users));
const Audit = lazy(() => import('./pages/audit.tsx').then((page) => page.Audit));
const Password = lazy(() => import('./pages/password.tsx').then((page) => page.Password));
const StoragePage = lazy(() => import('./pages/storage.tsx').then((page) => page.StoragePage));
const SettingsPage = lazy(() => import('./pages/settings.tsx').then((page) => page.SettingsPage));

/** Who is here decides what is shown: nobody gets the sign-in form, at whatever address, and stays there after it. */
export function App() {
  const [user, setUser] = useState<User | 'unknown' | 'nobody'>('unknown');
  const [error, setError] = useState<ApiError>();

  const identify = useCallback(async () => {
    setError(undefined);
    try {
      setUser((await gateway.signedIn()) ?? 'nobody');
    } catch (cause) {
      setError(toApiError(cause));
    }
  }, []);
  useEffect(() => {
    whenSignedOut(() => setUser('nobody'));
    void identify();
  }, [identify]);

  const identity = useMemo(() => {
    if (typeof user === 'string') return undefined;
    const signOut = async (): Promise<void> => {
      await gateway.logout().catch(() => undefined);
      setUser('nobody');
    };
    return { user, signOut };
  }, [user]);

  if (error !== undefined) {
    return (
      <main class="alone">
        <ErrorNote error={error} retry={identify} />
      </main>
    );
  }
  if (user === 'nobody') return <SignIn signedIn={identify} />;
  if (identity === undefined) {
    return (
      <main class="alone">
        <Loading what="Oriel" />
      </main>
    );
  }
  return (
    <IdentityContext.Provider value={identity}>
      <LocationProvider>
        <Pages />
      </LocationProvider>
    </IdentityContext.Provider>
  );
}

function Pages() {
  const { path } = useLocation();
  if (fillsTheWindow(path)) {
    return (
      <Router>
        <Route path="/desktop/:targetId" component={Desktop} />
        <Route path="/sessions/:id/watch" component={Watch} />
      </Router>
    );
  }
  return (
    <Shell>
      <Router>
        <Route path="/" component={Home} />
        <Route path="/sessions" component={Sessions} />
        <Route path="/recordings" component={Recordings} />
        <Route path="/recordings/:id" component={RecordingPage} />
        <Route path="/password" component={Password} />
        <Route path="/admin/targets" component={Targets} />
        <Route path="/admin/users" component={Users} />
        <Route path="/admin/audit" component={Audit} />
        <Route path="/admin/storage" component={StoragePage} />
        <Route path="/admin/settings" component={SettingsPage} />
        <Route default component={NotFound} />
      </Router>
    </Shell>
  );
}

/** Desktops come without the frame that other pages share. */
function fillsTheWindow(path: string): boolean {
  return /^\/(?:desktop\/[^/]+|sessions\/[^/]+\/watch)\/?$/.test(path);
}

/** The first page is that of what somebody is here for; only who opens desktops has any. */
function Home() {
  const { user } = useIdentity();
  if (hasRole(user, 'user')) return <Desktops />;
  if (hasRole(user, 'session-admin')) return <Sessions />;
  if (hasRole(user, 'vault-admin', 'system-admin')) return <Targets />;
  return <Recordings />;
}
