"""The family consingan."""
