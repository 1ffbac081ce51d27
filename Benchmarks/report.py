"""Puts the part of one benchmark into docs/performance.md and leaves the others' alone."""

import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = os.path.join(ROOT, "docs", "performance.md")


def put(title, text):
    """Replaces the part with this title, a heading of the first level below the page's, or adds it."""
    with open(PAGE) as page:
        parts = re.split(r"(?m)^(?=## )", page.read())
    part = f"## {title}\n\n{text.strip()}\n"
    places = [n for n, old in enumerate(parts) if old.startswith(f"## {title}\n")]
    if places:
        parts[places[0]] = part
    else:
        parts.append(part)
    with open(PAGE, "w") as page:
        page.write("\n".join(old.strip() + "\n" for old in parts))
    print(part)
