"""The way back: decisions and Zooniverse classifications become label events, measured, and can be undone."""
