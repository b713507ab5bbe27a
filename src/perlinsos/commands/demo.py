"""`perlinsos demo`: the main job on real services with invented people, watched from this terminal."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer()

FIRST, SECOND = "35.10", "35.09"


@app.command()
def demo(
    families: Annotated[int, typer.Option(help="Families of Banyuwangi (36,000 are about 103,000 persons).", min=300)] = 36_000,
    second_families: Annotated[int, typer.Option(help="Families of Jember.", min=300)] = 6_000,
    patience: Annotated[int, typer.Option(help="Seconds without any progress after which the demo gives up.", min=10)] = 180,
    as_json: Annotated[bool, typer.Option("--json", help="Print the addresses and lists as JSON at the end.")] = False,
) -> None:
    """Start everything, lay dirty deliveries of two regions into the landing bucket, and watch Airflow work.

    After the deliveries lie there this command does none of the work: stop the scheduler, and it waits and says so.
    """
    from perlinsos.operations.demo.run import run_demo
    from perlinsos.settings import load_settings

    shown = run_demo(load_settings(), {FIRST: families, SECOND: second_families}, patience_seconds=patience)
    if as_json:
        import json

        typer.echo(json.dumps(shown, ensure_ascii=False))
