import type { ComponentType } from 'preact';
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { LocationProvider, lazy, Route, Router, useLocation, useRoute } from 'preact-iso';
import { account, type SignedInState } from './api/account.ts';
import { gateway } from './api/gateway.ts';
import { ApiError, whenSignedOut } from './api/request.ts';
import { hasRole, IdentityContext, useIdentity } from './identity.tsx';
import { isFor, isReadable } from './navigation.ts';
import { Desktops } from './pages/desktops.tsx';
import { NotForYou, NotFound } from './pages/not-found.tsx';
import { Recordings } from './pages/recordings.tsx';
import { Sessions } from './pages/sessions.tsx';
import { SignIn } from './pages/sign-in.tsx';
import { Shell } from './shell.tsx';
import { ErrorNote, Loading } from './ui/feedback.tsx';
import { toApiError } from './ui/use-resource.ts';

// The desktop brings decoders, the rest is for few: neither holds up the first page.
const AlertRules = lazy(() => import('./pages/alert-rules.tsx').then((page) => page.AlertRules));
const Desktop = oneEach(lazy(() => import('./pages/desktop.tsx').then((page) => page.Desktop)));
const Watch = oneEach(lazy(() => import('./pages/watch.tsx').then((page) => page.Watch)));
const VerifyFile = lazy(() => import('./pages/verify-file.tsx').then((page) => page.VerifyFile));
const RecordingPage = oneEach(lazy(() => import('./pages/recording.tsx').then((page) => page.RecordingPage)));
const Targets = lazy(() => import('./pages/targets.tsx').then((page) => page.Targets));
const VaultPage = lazy(() => import('./pages/vault.tsx').then((page) => page.VaultPage));
const VaultAccountPage = oneEach(lazy(() => import('./pages/vault-account.tsx').then((page) => page.VaultAccountPage)));
const VaultProviders = lazy(() => import('./pages/vault-providers.tsx').then((page) => page.VaultProviders));
const VaultKey = lazy(() => import('./pages/vault-key.tsx').then((page) => page.VaultKey));
const Users = lazy(() => import('./pages/users.tsx').then((page) => page.Users));
const Groups = lazy(() => import('./pages/groups.tsx').then((page) => page.Groups));
const Policies = lazy(() => import('./pages/policies.tsx').then((page) => page.Policies));
const PolicyPage = oneEach(lazy(() => import('./pages/policy.tsx').then((page) => page.PolicyPage)));
const Entitlements = lazy(() => import('./pages/entitlements.tsx').then((page) => page.Entitlements));
const Audit = lazy(() => import('./pages/audit.tsx').then((page) => page.Audit));
const AuditIntegrity = lazy(() => import('./pages/audit-integrity.tsx').then((page) => page.AuditIntegrity));
const ForwardingSettings = lazy(() =>
  import('./pages/forwarding-settings.tsx').then((page) => page.ForwardingSettings),
);
const Reports = lazy(() => import('./pages/reports.tsx').then((page) => page.Reports));
const AccountPage = lazy(() => import('./pages/account.tsx').then((page) => page.AccountPage));
const NotificationsPage = lazy(() => import('./pages/notifications.tsx').then((page) => page.NotificationsPage));
const Requests = lazy(() => import('./pages/requests.tsx').then((page) => page.Requests));
const NewRequestPage = lazy(() => import('./pages/new-request.tsx').then((page) => page.NewRequestPage));
const RequestPage = oneEach(lazy(() => import('./pages/request.tsx').then((page) => page.RequestPage)));
const Approvals = lazy(() => import('./pages/approvals.tsx').then((page) => page.Approvals));
const Reviews = lazy(() => import('./pages/reviews.tsx').then((page) => page.Reviews));
const DecidePage = lazy(() => import('./pages/decide.tsx').then((page) => page.DecidePage));
const StoragePage = lazy(() => import('./pages/storage.tsx').then((page) => page.StoragePage));
const SignInSettings = lazy(() => import('./pages/sign-in-settings.tsx').then((page) => page.SignInSettings));
const DirectorySettings = lazy(() => import('./pages/directory-settings.tsx').then((page) => page.DirectorySettings));
const NotificationSettings = lazy(() =>
  import('./pages/notification-settings.tsx').then((page) => page.NotificationSettings),
);
const SettingsPage = lazy(() => import('./pages/settings.tsx').then((page) => page.SettingsPage));

/** Tabs of a browser share a sign-in: each says here when it began or ended one. */
const signIns = new BroadcastChannel('oriel-sign-ins');

/** Who is here decides what is shown: nobody gets the sign-in form, at whatever address, and stays there after it. */
export function App() {
  const [state, setState] = useState<SignedInState>();
  const [error, setError] = useState<ApiError>();

  const identify = useCallback(async () => {
    setError(undefined);
    try {
      setState(await account.state());
    } catch (cause) {
      setError(toApiError(cause));
    }
  }, []);
  useEffect(() => {
    signIns.addEventListener('message', () => {
      // What cannot be asked now is found out with the next request.
      account.state().then(setState, () => undefined);
    });
    whenSignedOut(() => setState((current) => current && { ...current, user: null, stage: null, method: null }));
    void identify();
  }, [identify]);

  const identity = useMemo(() => {
    if (state?.user == null || state.stage !== 'full') return undefined;
    const signOut = async (): Promise<void> => {
      let elsewhere: string | null = null;
      try {
        if (state.method === 'oidc') elsewhere = (await account.signOutEverywhere()).url;
        else await gateway.logout();
      } catch (cause) {
        const { code, message, hint } = toApiError(cause);
        // Otherwise somebody leaves whose sign-in goes on; who has none any more has what was asked for.
        if (code !== 'unauthenticated') {
          setError(new ApiError({ code, message: 'You are still signed in.', detail: message, hint }));
          return;
        }
      }
      signIns.postMessage('out');
      if (elsewhere !== null) {
        window.location.assign(elsewhere);
        return;
      }
      setState({ ...state, user: null, stage: null, method: null });
    };
    const method = state.method ?? 'password';
    return { user: state.user, method, passkeyHost: state.passkeyHost, singleSignOn: state.singleSignOn, signOut };
  }, [state]);

  // The link is the proof: nobody needs to be signed in for it.
  if (window.location.pathname === '/decide') {
    return (
      <LocationProvider>
        <Router>
          <Route path="/decide" component={DecidePage} />
          <Route default component={NotFound} />
        </Router>
      </LocationProvider>
    );
  }
  if (error !== undefined) {
    return (
      <main class="alone">
        <ErrorNote error={error} retry={identify} />
      </main>
    );
  }
  if (state !== undefined && identity === undefined) {
    const signedIn = async (): Promise<void> => {
      signIns.postMessage('in');
      await identify();
    };
    return <SignIn key={state.stage ?? ''} state={state} signedIn={signedIn} />;
  }
  if (identity === undefined) {
    return (
      <main class="alone">
        <Loading what="Oriel" />
      </main>
    );
  }
  return (
    <IdentityContext.Provider value={identity}>
      {/* Nothing that one person was shown stays for the next. */}
      <LocationProvider key={identity.user.id}>
        <Pages />
      </LocationProvider>
    </IdentityContext.Provider>
  );
}

function Pages() {
  const { path } = useLocation();
  const { user } = useIdentity();
  if (!isReadable(path) || !isFor(user, path)) return <Shell>{isReadable(path) ? <NotForYou /> : <NotFound />}</Shell>;
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
        <Route path="/requests" component={Requests} />
        <Route path="/requests/new" component={NewRequestPage} />
        <Route path="/requests/:id" component={RequestPage} />
        <Route path="/approvals" component={Approvals} />
        <Route path="/reviews" component={Reviews} />
        <Route path="/sessions" component={Sessions} />
        <Route path="/sessions/alerts" component={AlertRules} />
        <Route path="/recordings" component={Recordings} />
        <Route path="/recordings/verify" component={VerifyFile} />
        <Route path="/recordings/:id" component={RecordingPage} />
        <Route path="/account" component={AccountPage} />
        <Route path="/password" component={AccountPage} />
        <Route path="/notifications" component={NotificationsPage} />
        <Route path="/admin/targets" component={Targets} />
        <Route path="/admin/vault" component={VaultPage} />
        <Route path="/admin/vault/providers" component={VaultProviders} />
        <Route path="/admin/vault/key" component={VaultKey} />
        <Route path="/admin/vault/:id" component={VaultAccountPage} />
        <Route path="/admin/users" component={Users} />
        <Route path="/admin/groups" component={Groups} />
        <Route path="/admin/policies" component={Policies} />
        <Route path="/admin/policies/:id" component={PolicyPage} />
        <Route path="/admin/entitlements" component={Entitlements} />
        <Route path="/admin/audit" component={Audit} />
        <Route path="/admin/audit/integrity" component={AuditIntegrity} />
        <Route path="/admin/audit/reports" component={Reports} />
        <Route path="/admin/settings/forwarding" component={ForwardingSettings} />
        <Route path="/admin/storage" component={StoragePage} />
        <Route path="/admin/settings" component={SettingsPage} />
        <Route path="/admin/settings/sign-in" component={SignInSettings} />
        <Route path="/admin/settings/directory" component={DirectorySettings} />
        <Route path="/admin/settings/notifications" component={NotificationSettings} />
        <Route default component={NotFound} />
      </Router>
    </Shell>
  );
}

/** A page about one thing begins anew with another one. The router would go on with it, and with what it shows. */
function oneEach(Page: ComponentType): ComponentType {
  return function OneEach() {
    const { params } = useRoute();
    return <Page key={JSON.stringify(params)} />;
  };
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
  if (hasRole(user, 'approver')) return <Approvals />;
  if (hasRole(user, 'vault-admin', 'system-admin')) return <Targets />;
  if (hasRole(user, 'policy-admin')) return <Entitlements />;
  return <Recordings />;
}
