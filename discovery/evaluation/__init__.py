"""Trained networks judged on what they have not seen: tables, page, gallery of mistakes."""
