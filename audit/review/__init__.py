"""What people see of an audit: the table, the reasons, the spectrograms, the volunteers' folder, and its ledger."""
