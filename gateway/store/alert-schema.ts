/** The table of the alerts. */
export interface AlertSchema {
  alert_rules: AlertRulesTable;
}

export interface AlertRulesTable {
  id: string;
  name: string;
  /** The other fields of an `AlertRule`. */
  rule_json: string;
  created_at: number;
}
