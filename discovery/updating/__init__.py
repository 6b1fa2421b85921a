"""New glitches in a study that was clustered: they join its clusters or make new ones, and what they would change is proposed."""
