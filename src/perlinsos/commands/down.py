"""`perlinsos down`: stop everything that `up` started."""

from __future__ import annotations

import json
import sys

import typer

app = typer.Typer()


@app.command()
def down(as_json: bool = typer.Option(False, "--json", help="Print the result as JSON.")) -> None:
    """Stop the services of this PERLINSOS_HOME and leave no process. Data, secrets and ports stay."""
    from perlinsos.operations.services.home import Home
    from perlinsos.operations.services.stop import stop
    from perlinsos.settings import load_settings

    result = stop(Home(load_settings().home), say=lambda text: print(text, file=sys.stderr, flush=True))
    print(json.dumps(result) if as_json else f"{result['stopped']} processes stopped; none is left")
