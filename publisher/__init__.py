"""Publisher: runs the fetchers, validates, and writes catalogs so that a reader never sees half of one."""
