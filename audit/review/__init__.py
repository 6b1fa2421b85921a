"""What people see of an audit: the table, the reasons, the spectrograms and the volunteers' folder; and the record of it."""
