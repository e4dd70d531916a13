"""Which prior explains a photograph: short inversions, compared with those of the prior's own samples."""
