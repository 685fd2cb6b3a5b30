const tabs: readonly (readonly [path: string, label: string])[] = [
  ['/admin/settings', 'General'],
  ['/admin/settings/sign-in', 'Signing in'],
  ['/admin/settings/directory', 'Directory'],
  ['/admin/settings/notifications', 'Notifications'],
  ['/admin/settings/forwarding', 'Audit trail'],
];

/** The settings' pages, above each of them. */
export function SettingsTabs({ current }: { readonly current: string }) {
  return (
    <nav class="tabs" aria-label="Settings">
      {tabs.map(([path, label]) => (
        <a key={path} href={path} aria-current={path === current ? 'page' : undefined}>
          {label}
        </a>
      ))}
    </nav>
  );
}
