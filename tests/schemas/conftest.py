from __future__ import annotations

from hypothesis import settings

# The first example pays for an import; a deadline would call that a failure.
settings.register_profile("schemas", deadline=None, max_examples=40)
settings.load_profile("schemas")
