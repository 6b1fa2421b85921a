"""The interactive map: one offline page with the glitches in 3-D or 2-D."""
