"""Mend the ends of text files: one line break at the end of a file, no blanks at the end of a line.

    python .ci/file_ends.py FILE ...

Ends with 1 if something was mended, so that a commit is looked at again.
"""

import sys
from pathlib import Path


def mended(text: str) -> str:
    """The text with tidy ends."""
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n")) + "\n" if text.strip() else ""


def main(paths: list[str]) -> int:
    """Mend some files; returns 1 if any was changed."""
    changed = 0
    for path in map(Path, paths):
        text = path.read_text(encoding="utf-8")
        if (tidy := mended(text)) != text:
            path.write_text(tidy, encoding="utf-8")
            print(f"mended {path}")
            changed = 1
    return changed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
