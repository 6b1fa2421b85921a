"""Where the detectors stand and how they respond: antenna patterns and light-travel times, in coordinates fixed to the Earth."""
