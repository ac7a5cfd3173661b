"""Our catalogs held against real SkyPilot clients, and `gpu_catalog.sky` against their answers."""
