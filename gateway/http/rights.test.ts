import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Role, roles } from '../access/can.ts';
import { type Harness, startHarness } from '../testing/harness.ts';
import type { Route } from './route.ts';
import { allRoutes } from './routes/routes.ts';

/**
 * Every route of the API against every role. Declared here once more, by hand: a slip in the routes' own declaration
 * must not pass unseen. `admin` may call all of them.
 */
const anyone = [
  ...['backChannelLogout', 'beginSingleSignOn', 'finishSingleSignOn', 'getEvidenceKey', 'health', 'login'],
  ...['openapi', 'signedIn', 'lookAtDecisionLink', 'useDecisionLink', 'askPasskeyToSignIn', 'loginWithPasskey'],
];
const signedIn = [
  ...['getMasterPassword', 'setMasterPassword', 'changeMasterPassword', 'resetMasterPassword'],
  ...[
    'beginSecondFactor',
    'changeOwnMails',
    'changeOwnPassword',
    'getOwnMails',
    'confirmSecondFactor',
    'endOtherSignIns',
    'endOwnSignIn',
  ],
  ...['finishLogin', 'getSecondFactor', 'getSessionSwitch', 'linkIdentity', 'listNotifications', 'listOwnIdentities'],
  ...['listOwnSignIns', 'logout', 'logoutEverywhere', 'me', 'readNotifications', 'removeSecondFactor'],
  ...['renewRecoveryCodes', 'stepUp', 'stepUpByProvider', 'unlinkOwnIdentities'],
  ...['addPasskey', 'askNewPasskey', 'askPasskey', 'listOwnPasskeys', 'removePasskey', 'renamePasskey'],
];
const groupRoutes = ['changeGroup', 'createGroup', 'deleteGroup', 'getGroup', 'listGroups'];
const alertRoutes = ['changeAlertRule', 'createAlertRule', 'deleteAlertRule', 'getAlertRule', 'listAlertRules'];
const targetRoutes = [
  ...['changeTarget', 'createTarget', 'deleteTarget', 'testTarget', 'testUnsavedTarget', 'trustCertificate'],
];
const keyRoutes = ['getMasterKey', 'rewrap'];
const vaultRoutes = [
  'listVaultAccounts',
  'getVaultAccount',
  'changeRotation',
  'removeRotation',
  'rotateNow',
  'acceptHostKey',
  'listProviders',
  'createProvider',
  'changeProvider',
  'deleteProvider',
  'tryProvider',
];
const seeTargets = ['getTarget', 'listTargets'];
const seeRequests = ['countRequests', 'getRequest', 'listRequests'];
const seeSessions = ['getSession', 'getSessionEnd', 'listSessions'];

const rights: Record<Exclude<Role, 'admin'>, readonly string[]> = {
  user: [
    ...seeTargets,
    ...seeRequests,
    ...seeSessions,
    ...['changeFavourite', 'checkInRequest', 'createFavourite', 'createRequest', 'deleteFavourite', 'listFavourites'],
    ...['listOwnAccess', 'openSession', 'supplyCredential', 'typeSecret', 'revealSecret', 'getClipboardFile'],
  ],
  approver: [...seeRequests, 'approveRequest', 'denyRequest', 'revokeRequest'],
  'session-admin': [
    ...seeRequests,
    ...seeSessions,
    ...['revokeRequest', 'endSession', 'watchSession', 'turnSessionSwitch'],
    ...['freezeSession', 'unfreezeSession', 'messageSession'],
    ...alertRoutes,
  ],
  auditor: [
    ...seeRequests,
    ...['reviewRequest', 'listAudit', 'holdRecording', 'liftHold'],
    ...['getEvidenceBundle', 'getLiveRecording', 'getLiveSegment', 'getRecording', 'getRecordingRetention'],
    ...['getRecordingThumbnail', 'getRecordingVideo', 'getVerification', 'listRecordingEvents', 'listRecordings'],
    ...['verifyRecording', 'verifyFile', 'exportAudit', 'getAuditIntegrity', 'verifyAudit', 'getAuditArchive'],
    ...['reportAccess', 'reportSessions', 'reportRecordings', 'reportReviews'],
  ],
  'vault-admin': [
    ...seeTargets,
    ...targetRoutes,
    'changeAccount',
    'createAccount',
    'deleteAccount',
    ...keyRoutes,
    ...vaultRoutes,
  ],
  'policy-admin': [
    ...seeTargets,
    ...groupRoutes,
    ...alertRoutes,
    ...['changePolicy', 'createPolicy', 'deletePolicy', 'getPolicy', 'listPolicies', 'listUsers'],
    ...['changeEntitlement', 'createEntitlement', 'deleteEntitlement', 'getEntitlement', 'listEntitlements'],
  ],
  'system-admin': [
    ...seeTargets,
    ...keyRoutes,
    ...targetRoutes,
    ...groupRoutes,
    ...['changeUser', 'createUser', 'deleteUser', 'endSignInOfUser', 'endSignInsOfUser', 'listSignInsOfUser'],
    ...['getDirectory', 'changeDirectory', 'testDirectory', 'unlinkUserFromDirectory'],
    ...['listPasskeysOfUser', 'removePasskeyOfUser', 'listUsers', 'resetSecondFactorOfUser', 'turnSessionSwitch'],
    ...[
      'changeMailSettings',
      'changeNotificationRules',
      'changeRetention',
      'believeClock',
      'changeSettings',
      'changeSignInPolicy',
    ],
    ...['changeSingleSignOn', 'changeTargetRetention', 'changeWebhook', 'createWebhook', 'deleteWebhook'],
    ...['getMailSettings', 'getNotificationRules', 'getRetention', 'getSettings', 'getSignInPolicy'],
    ...['getSingleSignOn', 'getStorage', 'listDeliveries', 'listWebhooks', 'removeTargetRetention'],
    ...['retryDelivery', 'testMail', 'testSingleSignOn', 'testWebhook', 'getAuditSettings', 'changeAuditSettings'],
    ...['listReceivers', 'createReceiver', 'changeReceiver', 'deleteReceiver', 'testReceiver', 'rewindReceiver'],
  ],
};

let harness: Harness;
let routes: readonly Route[];
const users = new Map<Role, string>();

before(async () => {
  harness = await startHarness();
  routes = allRoutes(harness.gateway.services);
  for (const role of roles) {
    const user = await harness.gateway.services.users.create(`${role}-1`, `password of ${role}`, [role]);
    users.set(role, user.id);
  }
});
after(() => harness.stop());

/** Of a call with nothing in it, about something that is not there. Each with a sign-in of its own: some routes end it. */
async function statusOf(route: Route, role: Role | undefined): Promise<number> {
  const path = route.path.replaceAll(/:[A-Za-z]+/g, 'bcdfghjkmnpqrs');
  const userId = role === undefined ? undefined : users.get(role);
  const token = userId === undefined ? undefined : await signIn(userId);
  const { status } = await harness.call(route.method.toUpperCase(), path, token === undefined ? {} : { token });
  return status;
}

async function signIn(userId: string): Promise<string> {
  const { token } = await harness.gateway.services.logins.open(userId, {
    method: 'password',
    stage: 'full',
    confirmed: true,
    address: '192.0.2.1',
    userAgent: '',
  });
  return token;
}

test('every route is in the table', () => {
  const listed = new Set([...anyone, ...signedIn, ...Object.values(rights).flat()]);
  const ids = routes.map(({ id }) => id);
  assert.deepEqual(
    ids.filter((id) => !listed.has(id)),
    [],
    'not in the table',
  );
  assert.deepEqual(
    [...listed].filter((id) => !ids.includes(id)),
    [],
    'not routed',
  );
});

test('without signing in, only what is open to anyone', async () => {
  for (const route of routes) {
    const status = await statusOf(route, undefined);
    if (anyone.includes(route.id)) assert.notEqual(status, 403, route.id);
    else assert.equal(status, 401, route.id);
  }
});

for (const role of roles) {
  test(`what ${role} may call, and what not`, async () => {
    const own = role === 'admin' ? routes.map(({ id }) => id) : rights[role];
    const allowed = new Set([...anyone, ...signedIn, ...own]);
    for (const route of routes) {
      const status = await statusOf(route, role);
      if (allowed.has(route.id)) assert.ok(status !== 403, `${route.id} for ${role}: ${status}`);
      else assert.equal(status, 403, `${route.id} for ${role}`);
    }
  });
}
