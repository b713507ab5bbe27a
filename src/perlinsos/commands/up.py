"""`perlinsos up`: start PostgreSQL, the object store and Airflow here, and keep them running."""

from __future__ import annotations

import json
import sys

import typer

app = typer.Typer()


@app.command()
def up(
    no_airflow: bool = typer.Option(False, "--no-airflow", help="Only PostgreSQL and the object store."),
    as_json: bool = typer.Option(False, "--json", help="Print the result as JSON."),
) -> None:
    """Start what is missing on loopback ports, wait until it works, and say where it is.

    Doing it twice changes nothing. An address in the environment (PERLINSOS_DATABASE_URL, PERLINSOS_S3_ENDPOINT with
    its keys, PERLINSOS_AIRFLOW_URL) is used instead of an own service.
    """
    from perlinsos.operations.services.start import start
    from perlinsos.settings import load_settings

    result = start(load_settings(), airflow=not no_airflow, say=lambda text: print(text, file=sys.stderr, flush=True))
    if as_json:
        print(json.dumps(result, indent=2))
        return
    print(f"PostgreSQL    {result['postgres']['address']}")
    print(f"object store  {result['s3']['endpoint']}")
    airflow = result["airflow"]
    if airflow["url"]:
        print(f"Airflow       {airflow['url']}")
    if airflow["password_file"]:
        print(f"  log in as {airflow['user']}; the password is in {airflow['password_file']}")
    print(f"healthy after {result['seconds']} s; logs in {result['logs']}; `perlinsos down` stops all of it")
