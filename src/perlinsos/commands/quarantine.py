"""`perlinsos quarantine list|show|replay`: what was set aside, why, and judging it anew."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(help="List, show and replay what was set aside.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]
Delivery = Annotated[int, typer.Argument(metavar="DELIVERY", help="The number of a delivery, from `quarantine list`.")]


@app.command("list")
def list_deliveries(
    region: Annotated[str | None, typer.Option(help="A region code or `national`.")] = None, as_json: Json = False
) -> None:
    """List refused deliveries, and accepted ones with rows set aside: counts only, and what has replaced them since."""
    from perlinsos.context import open_context
    from perlinsos.operations.quarantine import list_quarantined
    from perlinsos.settings import load_settings

    found = list_quarantined(open_context(load_settings()), region)
    if as_json:
        typer.echo(json.dumps({"deliveries": found}, ensure_ascii=False, default=str))
        return
    for row in found:
        what = row["reason"] if row["state"] == "refused" else f"{row['quarantined']} of {row['received']} rows set aside"
        done = f"  (superseded by {row['superseded_by']})" if row["superseded_by"] else ""
        suffix = f"-{row['suffix']}" if row["suffix"] > 1 else ""
        typer.echo(f"{row['delivery_id']}  {row['source_id']}  {row['scope']}  {row['snapshot_date']}{suffix}  {what}{done}")
    is_open = sum(not row["superseded_by"] for row in found)
    typer.echo(f"{len(found)} deliveries, {is_open} open", err=True)


@app.command()
def show(
    delivery: Delivery,
    rows: Annotated[int, typer.Option(min=0, help="How many of the rows that were set aside to name.")] = 20,
    after: Annotated[int, typer.Option(min=0, help="Name the rows after this one: the next page.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write all of them, whole, to a new .xlsx or .csv: restricted, it holds persons."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show why a delivery was refused, or which of its rows failed which rule; cells only in the file of --out."""
    from perlinsos.context import open_context
    from perlinsos.operations.quarantine import list_rows, show_quarantined, write_out
    from perlinsos.settings import load_settings

    ctx = open_context(load_settings())
    found = show_quarantined(ctx, delivery)
    total, page = list_rows(ctx, delivery, after=after, limit=rows)
    found |= {"quarantined": total, "rows": page}
    if out is not None:
        found["written"] = {"file": str(out), "rows": write_out(ctx, delivery, out)}
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, default=str))
        return
    _say_delivery(found)
    _say_rows(found, delivery, rows)


def _say_delivery(found: dict[str, Any]) -> None:
    typer.echo(f"{found['source_id']}  {found['scope']}  {found['snapshot_date']}  {found['state']}")
    for word, text in (found["error"] or {}).items():
        typer.echo(f"  {word}: {text}")
    if found["superseded_by"]:
        typer.echo(f"  the later delivery {found['superseded_by']} has taken its place: nothing is to be done")
    if found["command"]:
        typer.echo(f"  deliver the corrected file: {found['command']}")
    if found["correction"]:
        how = "or, with a tool for S3, lay" if found["command"] else "lay"
        typer.echo(f"  {how} the corrected file under {found['correction']} of the landing bucket, then _COMPLETE beside it")
    for rule in found["rules"]:
        typer.echo(f"  {rule['rows']:>9}  {rule['severity']}  {rule['rule']}  {rule['message_id']}")
    for one in found["corrected"]:
        when = f"{one['corrected_at']:%Y-%m-%d}"
        typer.echo(f"  {one['rows']} rows were corrected on {when} by {one['corrected_by']}: {one['reason']}")


def _say_rows(found: dict[str, Any], delivery: int, limit: int) -> None:
    """The rows of the page, one line an error, and how to see the next."""
    for row in found["rows"]:
        for error in row["errors"]:
            typer.echo(f"  row {row['_row']}  {error['rule']}  {error['column']}  {error['message_id']}")
    if found["rows"] and len(found["rows"]) < found["quarantined"]:
        more = f"perlinsos quarantine show {delivery} --rows {limit} --after {found['rows'][-1]['_row']}"
        typer.echo(f"{len(found['rows'])} of {found['quarantined']} rows set aside; the next ones: {more}", err=True)
    if "written" in found:
        told = f"{found['written']['rows']} rows -> {found['written']['file']}, readable by you alone: it holds persons"
        typer.echo(told, err=True)


@app.command()
def replay(
    delivery: Delivery,
    corrected: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file of `show --out` with corrected cells; rows by their _row.")
    ] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why the cells were corrected, for the record. No numbers.")] = "",
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who corrected them; default: this login.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Put the new judgement in force; else only show it.")] = False,
    as_json: Json = False,
) -> None:
    """Read and judge a delivery anew from its stored bytes, under the descriptions and rules of today.

    With --corrected the rows of the file are judged with the cells that it holds; the file is kept, and who and why.
    """
    from perlinsos.context import open_context
    from perlinsos.operations.accept import replay as judge_anew
    from perlinsos.settings import load_settings

    ctx = open_context(load_settings())
    who = by or getpass.getuser()
    done = judge_anew(ctx, delivery, apply=apply, corrected=corrected, reason=reason, by=who)
    typer.echo(json.dumps(done, ensure_ascii=False) if as_json else _say_judgement(done))


def _say_judgement(done: dict[str, Any]) -> str:
    """What the new judgement says, and whether it is in force."""
    before, after = done["before"], done["after"]
    rows = f"{after['quarantined']} of {after['received']} rows set aside"
    if not done["differs"]:
        return f"{done['delivery']}: judged anew it is the same, {rows}; there is nothing to put in force"
    was = f"before {before['quarantined']}" if before else "before it was refused"
    corrected = f"; {done['corrected_rows']} rows were corrected" if "corrected_rows" in done else ""
    then = "this is in force now" if done["applied"] else "nothing is changed yet: add --apply to put this in force"
    return f"{done['delivery']}: {rows}, {was}{corrected}; {then}"
