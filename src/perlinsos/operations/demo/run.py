"""The demo from its first line to its last."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status

from perlinsos.context import open_context
from perlinsos.operations.demo import report
from perlinsos.operations.demo.bring_in import bring_in, past_commands, register_region
from perlinsos.operations.demo.lay import Population, begin_synthesis, end_synthesis, lay_deliveries, register_settings
from perlinsos.operations.demo.watch import Watch
from perlinsos.operations.services.airflow_api import open_airflow
from perlinsos.operations.services.home import prepare
from perlinsos.operations.services.start import start
from perlinsos.settings import Settings, load_settings

# The demo ticks every few seconds; in production the defaults of minutes hold.
TICKS = {
    "PERLINSOS_PULL_SECONDS": "5",
    "PERLINSOS_DISPATCH_SECONDS": "5",
    "PERLINSOS_LANDING_QUIET_SECONDS": "3",
    "PERLINSOS_LEASE_SECONDS": "300",
}


def run_demo(settings: Settings, families: dict[str, int], *, patience_seconds: float) -> dict[str, Any]:
    """Start the services, register settings, lay deliveries, watch, report. Gives addresses and list labels."""
    console = Console(stderr=True)
    population = Population(families)
    deliveries = settings.home / "demo" / population.name
    prepare(settings.home)
    deliveries.parent.mkdir(mode=0o700, exist_ok=True)
    for name, value in TICKS.items():
        os.environ.setdefault(name, value)

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    console.rule("Perlinsos: from the landing bucket to a signed provisional list")
    past = settings.home / "demo" / "past"
    makers = [begin_synthesis(population.command(deliveries), deliveries, say)]
    makers += [begin_synthesis(command, Path(command[-1]), say) for command in past_commands(past)]
    try:
        services = start(settings, airflow=True, say=say)
        settings = load_settings()
        register_settings(settings.project / "demo", families, say)
        register_region(settings.project / "demo", say)
        for maker in makers:
            end_synthesis(maker)
    except BaseException:
        for maker in makers:
            if maker is not None and maker.poll() is None:
                maker.kill()
                maker.wait()
        raise
    folders = [deliveries, *(Path(command[-1]) for command in past_commands(past))]
    return _lay_and_watch(console, say, settings, services, tuple(families), folders, patience_seconds)


def _lay_and_watch(
    console: Console,
    say: Callable[[str], None],
    settings: Settings,
    services: dict[str, Any],
    regions: tuple[str, ...],
    folders: Sequence[Path],
    patience_seconds: float,
) -> dict[str, Any]:
    """Lay the deliveries down, watch until the lists are published, bring in the third region, and show all of it."""
    ctx = open_context(settings)
    airflow = open_airflow(settings.home)
    with console.status("") as status:
        watch = Watch(ctx, airflow, regions, say, _shower(console, status))
        watch.skip_what_was_before()
        before = report.note_before(ctx)
        count = sum(lay_deliveries(settings, ctx.storage, folder) for folder in folders)
        say(f"{count} deliveries (a source, a region, a day) lie in {settings.buckets.landing}. From here on only Airflow works.")
        watch.until_published(patience_seconds=patience_seconds)
        console.rule("A third region is brought in with two past stages")

        def wait(what: str, holds: Callable[[], bool]) -> None:
            watch.until(lambda: [] if holds() else [what], patience_seconds=patience_seconds)

        bring_in(ctx, settings.project / "demo", settings.home / "demo" / "backfill.yaml", say, wait)
    console.rule("What came out")
    report.show_new(console, ctx, before)
    report.show_funnel(console, ctx)
    labels = report.show_lists(console, ctx, regions)
    if labels:
        copy, own = settings.home / "demo" / "copy", settings.home / "demo" / "list"
        for folder in (copy, own):
            shutil.rmtree(folder, ignore_errors=True)
        report.show_copy(console, ctx, labels[-1], copy)
        report.show_family(console, ctx, labels[-1], own)
    report.show_runs(console, airflow, before.at)
    report.show_next(console, services, labels[-1] if labels else "LIST_ID")
    return {"airflow": services["airflow"], "lists": labels}


def _shower(console: Console, status: Status) -> Callable[[str], None]:
    """One line that is rewritten on a terminal; nothing where there is none."""
    if not console.is_terminal:
        return lambda _: None
    return lambda text: status.update(text)
