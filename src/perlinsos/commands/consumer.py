"""`perlinsos consumer add|deliver|rotate|revoke|list`: who gets lists, with which rows, columns, tokens and keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

app = typer.Typer(help="Add, serve, rotate, revoke and list the consumers of published lists.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]
Name = Annotated[str, typer.Argument(metavar="CONSUMER", help="The consumer's id, as in `perlinsos consumer list`.")]
Apply = Annotated[bool, typer.Option("--apply", help="Do it. Without it only what would happen is said.")]


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A consumer in YAML, as demo/consumer-kemensos-demo.yaml.")],
    as_json: Json = False,
) -> None:
    """Register a consumer, or change its name or scope; make its token key and its keys at the object store, once.

    The secret key is shown where it was made just now, and kept in a file of mode 0600 that is to be handed over.
    """
    from perlinsos.operations import consumers

    done = consumers.add(_open(), file)
    words = f"{done['consumer']} ({done['profile']}): {'registered' if done['changed'] else 'unchanged'}"
    _say(done, f"{words}; tokens with key {done['token_key_id']}", as_json)


@app.command()
def deliver(consumer: Name, as_json: Json = False) -> None:
    """Give a consumer that came later the newest revision of every list in its scope."""
    from perlinsos.operations import consumers

    done = consumers.deliver(_open(), consumer)
    if as_json:
        typer.echo(json.dumps(done))
        return
    for label in done["delivered"]:
        typer.echo(label)
    typer.echo(f"{len(done['delivered'])} lists delivered, {len(done['unchanged'])} were there", err=True)


@app.command()
def rotate(
    consumer: Name,
    key: Annotated[Literal["tokens", "access", "both"], typer.Option(help="Which keys are replaced.")] = "both",
    apply: Apply = False,
    as_json: Json = False,
) -> None:
    """Replace the key of a consumer's tokens, its keys at the object store, or both."""
    from perlinsos.operations import consumers

    ctx = _open()
    consumers.find_consumer(ctx, consumer)
    plan = {
        "tokens": "the next revisions carry new tokens, with the ones before beside them in previous_family_token; "
        "published lists stay as they are",
        "access": "the keys at the object store are replaced: the old ones are refused at once",
    }
    chosen = {name: text for name, text in plan.items() if key in {name, "both"}}
    if not apply:
        _say({"consumer": consumer, "plan": chosen, "applied": False}, _plan(chosen), as_json)
        return
    done = consumers.rotate(ctx, consumer, tokens="tokens" in chosen, access="access" in chosen)
    _say(done | {"applied": True}, f"{consumer}: {' and '.join(chosen)} replaced", as_json)


@app.command()
def revoke(
    consumer: Name,
    reason: Annotated[str, typer.Option(help="Why, for the ledger's audit.")],
    apply: Apply = False,
    as_json: Json = False,
) -> None:
    """End a consumer: it gets no further list, and its keys at the object store are refused. Its folder stays."""
    from perlinsos.operations import consumers

    ctx = _open()
    if not apply:
        consumers.find_consumer(ctx, consumer)
        plan = {"lists": "no further list is made for it", "access": "its keys at the object store are refused at once"}
        _say({"consumer": consumer, "plan": plan, "applied": False}, _plan(plan), as_json)
        return
    done = consumers.revoke(ctx, consumer, reason)
    _say(done | {"applied": True}, f"{consumer}: {'revoked' if done['changed'] else 'was revoked before'}", as_json)


@app.command("list")
def list_consumers(as_json: Json = False) -> None:
    """List the consumers with profile, scope and the ids of their keys."""
    from perlinsos.operations import consumers

    found = consumers.describe(_open())
    if as_json:
        typer.echo(json.dumps({"consumers": found}, ensure_ascii=False))
        return
    for row in found:
        scope = ", ".join([*(row["programmes"] or ["all programmes"]), *(row["regions"] or ["all regions"])])
        state = f"revoked {row['revoked_at'][:10]}" if row["revoked_at"] else f"tokens {row['token_key_id']}"
        typer.echo(f"{row['consumer_id']}  {row['profile']}  {scope}  {state}")
    typer.echo(f"{len(found)} consumers", err=True)


def _open() -> Any:
    from perlinsos.context import open_context
    from perlinsos.settings import load_settings

    return open_context(load_settings())


def _plan(plan: dict[str, str]) -> str:
    return "\n".join([*(f"{name}: {text}" for name, text in plan.items()), "nothing was done; --apply does it"])


def _say(done: dict[str, Any], words: str, as_json: bool) -> None:
    """The result as JSON, or its words with what is to be handed over."""
    if as_json:
        typer.echo(json.dumps(done, ensure_ascii=False))
        return
    typer.echo(words)
    access = done.get("access")
    if isinstance(access, dict):
        for name, value in access.items():
            typer.echo(f"  {name}: {value}")
        if "secret_key" in access:
            typer.echo(f"the secret key is shown this once; it is kept in {done['access_file']} (mode 0600)", err=True)
    elif access:
        typer.echo(f"  {access}")
    if "policy" in done:
        typer.echo(json.dumps(done["policy"], indent=2))
        typer.echo(f"  of SeaweedFS, actions in its s3.json: {json.dumps(done['seaweedfs_actions'])}")
    if "to_do" in done:
        typer.echo(f"  {done['to_do']}")
