"""`perlinsos doctor`: say of every part whether it works, and what to do where it does not."""

from __future__ import annotations

import json

import typer

app = typer.Typer()


@app.command()
def doctor(
    alert: bool = typer.Option(
        False, "--alert", help="Tell the recipients of alerts, once, that Airflow is dead or lives again."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the findings as JSON."),
) -> None:
    """Examine home, disk, clock, database, object store and Airflow. Exit 3: a service cannot be reached; 1: another fault."""
    from perlinsos.operations.services import diagnosis

    findings = diagnosis.examine()
    if as_json:
        print(json.dumps(diagnosis.as_json(findings), indent=2, ensure_ascii=False))
    else:
        for finding in findings:
            print(f"{'ok ' if finding.state == diagnosis.FINE else 'NO '} {finding.part}: {finding.what}")
            for label, text in (("why", finding.why), ("what to do", finding.remedy)):
                if text and finding.state != diagnosis.FINE:
                    print(f"      {label}: {text}")
    if alert:
        from perlinsos.context import open_context
        from perlinsos.operations.alerts.outside import tell_from_outside
        from perlinsos.settings import load_settings

        tell_from_outside(open_context(load_settings()), findings)
    raise typer.Exit(diagnosis.exit_code(findings))
