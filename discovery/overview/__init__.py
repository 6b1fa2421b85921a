"""What a study holds, on one page: its contents, and every report with its answer."""
