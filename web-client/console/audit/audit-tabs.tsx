const tabs: readonly (readonly [path: string, label: string])[] = [
  ['/admin/audit', 'Log'],
  ['/admin/audit/reports', 'Reports'],
  ['/admin/audit/integrity', 'Integrity'],
];

/** The pages about the trail, above each of them. */
export function AuditTabs({ current }: { readonly current: string }) {
  return (
    <nav class="tabs" aria-label="Audit">
      {tabs.map(([path, label]) => (
        <a key={path} href={path} aria-current={path === current ? 'page' : undefined}>
          {label}
        </a>
      ))}
    </nav>
  );
}
