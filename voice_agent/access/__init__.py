"""Who may do what: workspaces, API keys, roles, passwords, browser sessions, rate limits, the audit log."""
