"""`fetch_gpuhunt.py CLOUD ORIGIN FOLDER`: gpuhunt's provider against the emulator, and the file that it writes.

Only the URLs are set, which are constants of its modules. What it finds is written as `python -m gpuhunt` does.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from pathlib import Path

from gpuhunt._internal import storage
from gpuhunt.providers import lambdalabs, runpod

logging.disable(logging.WARNING)  # a line for each GPU that it has no name for
cloud, origin, folder = sys.argv[1:]
runpod.API_URL = f"{origin}/runpod/graphql"
lambdalabs.INSTANCE_TYPES_URL = f"{origin}/lambda/api/v1/instance-types"
lambdalabs.IMAGES_URL = f"{origin}/lambda/api/v1/images"

started = time.perf_counter()
if cloud == "runpod":
    items = runpod.RunpodProvider().get()
else:
    items = lambdalabs.LambdaLabsProvider(os.environ["LAMBDA_API_KEY"]).get()
seconds = time.perf_counter() - started
storage.dump(items, str(Path(folder) / "catalog.csv"))
print(json.dumps({"call_seconds": seconds, "rows": len(items)}))
