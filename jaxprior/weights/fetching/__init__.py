"""Fetching published files: the download, what servers answer, files of which not all has come, and hashes."""
