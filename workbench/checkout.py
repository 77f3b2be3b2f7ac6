"""Where the checkout is that the package was imported from: what ships beside it is found there."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = ROOT / "results" / "published"
