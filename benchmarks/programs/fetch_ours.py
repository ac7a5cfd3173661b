"""`fetch_ours.py CLOUD`: our fetcher alone, its keys and URLs from the environment."""

from __future__ import annotations

import json
import sys
import time

from fetchers import SessionOptions, fetch_cloud, load_fetcher

fetcher = load_fetcher(sys.argv[1])
started = time.perf_counter()
fetched = fetch_cloud(fetcher, SessionOptions())
print(json.dumps({"call_seconds": time.perf_counter() - started, "rows": len(fetched.offerings)}))
