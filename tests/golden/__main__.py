"""Write the digests of `catalogs/`, to be looked at and committed with it."""

from pathlib import Path

from tests.golden import DIGESTS, digest_lines

DIGESTS.write_text("\n".join(digest_lines(Path("catalogs"))) + "\n", encoding="utf-8")
