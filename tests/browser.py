"""Pages in a real browser, where there is one."""

import html
import re
import shutil
import subprocess
from pathlib import Path

import pytest


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium to run the page's script")


def in_browser(path: Path, script: str) -> str:
    """What a script at the end of a page writes into its title."""
    probe = path.with_name("probe.html")
    probe.write_text(path.read_text().replace("</body>", f"<script>{script}</script></body>"))
    profile = f"--user-data-dir={path.parent / 'profile'}"
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", profile, "--dump-dom", probe.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    found = re.search("<title>(.*?)</title>", shown)
    assert found is not None, shown[:300]
    return html.unescape(found.group(1))
