"""Images, tables, training sets and strain, read into a study."""
