"""What ships with the package: plans, published numbers. In a checkout they stand beside it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = ROOT / "results" / "published"
