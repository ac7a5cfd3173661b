"""RunPod: secure-cloud GPU pods for every count, and CPU pods, at every site.

REST v2 (three requests) when there is a key, with GraphQL (one request) for pod sizes; GraphQL alone when there is
none. No source says which sites can ever hold a type, so each one is written for every listed site.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from fetchers.base import ANY_INSTANCE_TYPE, Unusable
from fetchers.credentials import Credentials
from fetchers.errors import UnexpectedAnswer
from fetchers.naming import ResolvedAccelerator, resolve_accelerator
from fetchers.replay import BUNDLED
from fetchers.runpod_graphql import GpuDetails, gpu_details, listing_from_graphql
from fetchers.runpod_listing import CpuListing, GpuListing, Listing, listing_from_rest
from fetchers.runpod_sizes import pod_size
from fetchers.session import Session
from fetchers.side_by_side import side_by_side
from fetchers.tables import data_rows
from gpu_catalog.errors import BadPrice, BadQuantity
from gpu_catalog.numbers import parse_price, parse_quantity, parse_whole
from gpu_catalog.offering import Offering, Skipped
from gpu_catalog.runpod import RunPodCpuInstanceType, RunPodGpuInstanceType

_CLOUD_TYPE = "SECURE"
_MOST_GPUS = 64
_MOST_VCPUS = 1024
# Clouds say "up to 90 %" off on-demand. What is far below that is a filler, or the least that one may bid.
_LEAST_SPOT_SHARE = Decimal("0.05")


class RunPod:
    """Fetcher of RunPod."""

    name = "runpod"
    display_name = "RunPod"
    base_urls: Mapping[str, str] = {
        "RUNPOD_BASE_URL": "https://api.runpod.io/v2",
        "RUNPOD_GRAPHQL_URL": "https://api.runpod.io/graphql",
    }
    credentials = Credentials("RUNPOD_API_KEY", ".runpod/config.toml", ("api_key", "apikey"), required=False)
    min_interval_seconds = 0.0
    has_zones = True
    has_spot = True
    instance_type_pattern = ANY_INSTANCE_TYPE  # Made and parsed by gpu_catalog.runpod, which validation asks.
    recorded = BUNDLED / "runpod"

    def fetch(self, session: Session) -> Iterator[Offering | Skipped]:
        """Yield one Offering per pod type and site: GPU pods in the order of the answer, then CPU pods."""
        listing: Listing
        details: dict[str, GpuDetails]
        if session.has_key:
            listing, details = side_by_side(lambda: listing_from_rest(session), lambda: gpu_details(session))
        else:
            session.warn("no RUNPOD_API_KEY: prices come from the deprecated GraphQL API")
            listing, details = listing_from_graphql(session)
        sites, unknown = self._sites(session, listing)
        yield from unknown
        names: dict[str, str] = {}
        unlaunchable = set()
        for gpu in listing.gpus:
            try:
                more = details.get(gpu.id or "", GpuDetails())
                for item in self._gpu_pods(session, gpu, more, listing, sites, names):
                    if isinstance(item, Offering) and not item.launchable:
                        unlaunchable.add(str(item.accelerator_name))
                    yield item
            except Unusable as exc:
                yield self._skipped(gpu.id or str(gpu.display_name), exc, accelerator=gpu.display_name)
        if unlaunchable:
            names_of_them = ", ".join(sorted(unlaunchable))
            session.warn(f"SkyPilot's launcher does not know these names (launchable: false): {names_of_them}")
        for cpu in listing.cpus:
            try:
                yield from self._cpu_pods(cpu, listing, sites)
            except Unusable as exc:
                yield self._skipped(str(cpu.id), exc)

    def _sites(self, session: Session, listing: Listing) -> tuple[dict[str, str], list[Skipped]]:
        """Country by site, and the sites whose country nobody has told us: neither API says it."""
        countries = {row["id"]: row["country"] for row in data_rows("runpod_sites")}
        known = {site: countries[site] for site in sorted(set(listing.sites)) if site in countries}
        unknown = sorted(set(listing.sites) - set(known))
        if not known:
            raise UnexpectedAnswer("no site has an id that we know", "the API may have changed; report this")
        if unknown:
            session.warn(f"sites without a known country, left out: {', '.join(unknown)}; add to runpod_sites.csv")
        return known, [
            Skipped(
                cloud=self.name,
                listing=site,
                rule="unknown-site",
                reason="its country is in no API and not in runpod_sites.csv",
                broken=False,
                rows=0,
            )
            for site in unknown
        ]

    def _gpu_pods(
        self,
        session: Session,
        gpu: GpuListing,
        details: GpuDetails,
        listing: Listing,
        sites: dict[str, str],
        names: dict[str, str],
    ) -> Iterator[Offering | Skipped]:
        """All counts of one GPU type at all sites.

        Raises:
            Unusable: the type as a whole is not offered or cannot be named, sized or priced.
        """
        if gpu.id is None:
            raise Unusable("no-name", "`id` is missing")
        _check_offered(gpu)
        price = _price(gpu.price_per_gpu)
        memory_mib = _whole(gpu.memory_gb, "memory", "no-size", most=10_000) * 1024
        accelerator = self._accelerator(session, gpu, names)
        least = _whole(details.min_count or 1, "minPodGpuCount", "no-count", _MOST_GPUS)
        most = _whole(gpu.max_count, "maxCount", "no-count", _MOST_GPUS)
        if least > most:
            raise Unusable("no-count", f"minPodGpuCount {least} is above maxCount {most}")
        spot = _spot_price(details, price)
        launch_name = accelerator.known.runpod_launch_name if accelerator.known else None
        for count in range(least, most + 1):
            try:
                size = pod_size(gpu.id, count, details)
            except Unusable as exc:
                yield self._skipped(f"{gpu.id} x {count}", exc, accelerator=accelerator.name, rows=len(sites))
                continue
            name = str(RunPodGpuInstanceType(count, launch_name or accelerator.name, _CLOUD_TYPE))
            marks = tuple(sorted(size.marks | accelerator.marks))
            usd_per_hour, spot_usd_per_hour = price * count, spot and spot * count
            for site, country in sites.items():
                yield Offering(
                    cloud=self.name,
                    instance_type=name,
                    region=country,
                    zone=site,
                    vcpus=size.vcpus,
                    memory_gib=size.memory_gb,
                    price_usd_per_hour=usd_per_hour,
                    spot_price_usd_per_hour=spot_usd_per_hour,
                    accelerator_name=accelerator.name,
                    accelerator_count=float(count),
                    accelerator_vendor=accelerator.vendor,
                    gpu_memory_mib=memory_mib,
                    in_stock=_in_stock(gpu, details, count, site),
                    launchable=launch_name is not None,
                    listing=gpu.id,
                    source=listing.source,
                    observed_at=listing.observed_at,
                    marks=marks,
                )

    def _accelerator(self, session: Session, gpu: GpuListing, names: dict[str, str]) -> ResolvedAccelerator:
        """Canonical accelerator; two ids never share a name (`names`: id by name so far)."""
        accelerator = resolve_accelerator(self.name, str(gpu.id), gpu.display_name or "", gpu.vendor)
        taken_by = names.setdefault(accelerator.name, str(gpu.id))
        if taken_by != gpu.id:
            raise Unusable("name-taken", f"its name {accelerator.name} belongs to {taken_by}")
        if not accelerator.listed:
            session.warn(f"{gpu.id} is not in accelerators.csv; published as {accelerator.name}")
        return accelerator

    def _cpu_pods(self, cpu: CpuListing, listing: Listing, sites: dict[str, str]) -> Iterator[Offering | Skipped]:
        """All sizes of one flavor at all sites; raises Unusable when the flavor cannot be named or sized."""
        if cpu.id is None:
            raise Unusable("no-name", "`id` is missing")
        least = _whole(cpu.min_vcpus, "smallest vCPUs", "no-size", _MOST_VCPUS)
        most = _whole(cpu.max_vcpus, "largest vCPUs", "no-size", _MOST_VCPUS)
        try:
            ram_gb_per_vcpu = parse_quantity(cpu.ram_gb_per_vcpu, "GB per vCPU")
        except BadQuantity as exc:
            raise Unusable("no-size", str(exc)) from exc
        sizes = [size for size in (2**power for power in range(11)) if least <= size <= most]
        if not sizes:
            raise Unusable("no-size", f"no power of two from {least} to {most} vCPUs")
        for vcpus in sizes:
            name = RunPodCpuInstanceType(cpu.id, vcpus, ram_gb_per_vcpu * vcpus)
            try:
                price = _cpu_price(cpu, vcpus)
            except Unusable as exc:
                yield self._skipped(str(name), exc, rows=len(sites))
                continue
            for site, country in sites.items():
                yield Offering(
                    cloud=self.name,
                    instance_type=str(name),
                    region=country,
                    zone=site,
                    vcpus=float(vcpus),
                    memory_gib=name.memory_gb,
                    price_usd_per_hour=price,
                    in_stock=None if cpu.sites_in_stock is None else site in cpu.sites_in_stock,
                    listing=cpu.id,
                    source=listing.source,
                    observed_at=listing.observed_at,
                )

    def _skipped(self, listing: str, why: Unusable, accelerator: str | None = None, rows: int = 0) -> Skipped:
        # Not offered, not sized while out of stock, name taken: nothing is wrong with what the cloud said.
        broken = why.rule not in ("not-offered", "no-size-known", "name-taken", "no-flavor-price")
        return Skipped(
            cloud=self.name,
            listing=listing,
            rule=why.rule,
            reason=str(why),
            broken=broken,
            accelerator=accelerator,
            rows=rows,
        )


def _check_offered(gpu: GpuListing) -> None:
    """A price stands for something only where the flag is true (seen: 0 and 0.5 as fillers)."""
    if gpu.offered is False:
        raise Unusable("not-offered", "not sold on secure cloud")
    if gpu.offered is not True:
        raise Unusable("no-offer-flag", "does not say whether it is sold on secure cloud")


def _price(value: object) -> Decimal:
    try:
        return parse_price(value)
    except BadPrice as exc:
        raise Unusable("no-price", str(exc)) from exc


def _cpu_price(cpu: CpuListing, vcpus: int) -> Decimal:
    """USD per hour of the whole pod."""
    if cpu.price_by_vcpus is None:
        return _price(cpu.price_per_vcpu) * vcpus
    if vcpus not in cpu.price_by_vcpus:
        raise Unusable(
            "no-flavor-price", "GraphQL prices only the sizes in runpod_cpu_flavors.csv; set RUNPOD_API_KEY"
        )
    return _price(cpu.price_by_vcpus[vcpus])


def _whole(value: object, what: str, rule: str, most: int) -> int:
    try:
        number = parse_whole(value, what)
    except BadQuantity as exc:
        raise Unusable(rule, str(exc)) from exc
    if number > most:
        raise Unusable(rule, f"{what} {number} is more than {most}")
    return number


def _spot_price(details: GpuDetails, price: Decimal) -> Decimal | None:
    """Spot USD per GPU-hour; None unless it is plausibly below on-demand: the field repeats that price today."""
    try:
        spot = parse_price(details.spot_price_per_gpu)
    except BadPrice:
        return None
    return spot if _LEAST_SPOT_SHARE * price <= spot < price else None


def _in_stock(gpu: GpuListing, details: GpuDetails, count: int, site: str) -> bool | None:
    """Sites are known for one GPU, counts for all sites together: more than one GPU at a site is never certain."""
    if gpu.sites_in_stock is None:
        return None
    nowhere = details.counts_in_stock is not None and count not in details.counts_in_stock
    if site not in gpu.sites_in_stock or (count > 1 and nowhere):
        return False
    return True if count == 1 else None
