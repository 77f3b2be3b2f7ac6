"""A module that is being imported until there is a file at $SLOW_IMPORT, or for a minute."""

import os
import time
from pathlib import Path

for _ in range(1200):
    if Path(os.environ["SLOW_IMPORT"]).exists():
        break
    time.sleep(0.05)
print("imported")
