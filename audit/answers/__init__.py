"""People's answers: decisions and Zooniverse classifications become label events, which can be undone."""
