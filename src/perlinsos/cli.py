"""The command line. A command's module is imported only when that command runs, so that `perlinsos --help` is quick."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from perlinsos.terminal import end_with, survive_closed_pipe

COMMANDS: dict[str, str] = {
    "up": "Start PostgreSQL, the object store and Airflow here, and keep them running.",
    "down": "Stop everything that `up` started.",
    "doctor": "Say of every part whether it works, and what to do where it does not.",
    "status": "Region by stage: state, reason, next command.",
    "demo": "The main job on real services with invented people, watched from this terminal.",
    "synth": "Make an invented population and its agencies' deliveries.",
    "deliver": "Lay deliveries into the landing bucket, as an agency does.",
    "ingest": "Read and check one delivery from plain files.",
    "determine": "Compute the recipient lists of a region from plain files.",
    "parameters": "List every value of the rules, and those that nobody has checked for a year.",
    "region": "Add, check and list regions.",
    "cycle": "Add and list the cycles (region and stage) that are to be determined.",
    "backfill": "Give a region its past stages, by a plan that was reviewed.",
    "decree": "Register and list decrees (SK).",
    "dispatch": "Advance every region by one tick, as the DAG does.",
    "snapshot": "List, fetch, verify and compare published lists.",
    "consumer": "Add, serve, rotate, revoke and list the consumers of published lists.",
    "contract": "Check the data contract of recipients against its committed versions.",
    "key": "Replace the key that lists are signed with.",
    "quarantine": "List, show and replay rows that were set aside.",
    "simulate": "Say what other limits, amounts, quotas or programmes would do, on the same inputs.",
    "replay": "Build an old list again from what was frozen for it, and compare.",
    "explain": "Say why a family has its outcome.",
    "leak-scan": "Prove that no number of a person stands in logs, XCom, URLs or pages.",
    "watch": "One look at everything: note the alerts, and tell those that are new or over.",
    "user": "Say which of Airflow's users see which regions on the pages.",
    "migrate": "Bring the ledger's schema up to date.",
}


class _LazyCommands(TyperGroup):
    """Lists the commands from the table above and imports only the one that is called."""

    _is_listing = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 (the library's signature)
        return list(COMMANDS)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self._is_listing = True
        _show_flags_without_type(self, ctx)
        try:
            super().format_help(ctx, formatter)
        finally:
            self._is_listing = False

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        if ctx.resilient_parsing or self._is_listing:
            return typer.main.get_command(_stand_in(cmd_name))
        module = import_module(f"perlinsos.commands.{cmd_name.replace('-', '_')}")
        module.app._add_completion = False  # else every command would offer to install it
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        command.help = command.help or COMMANDS[cmd_name]
        _show_flags_without_type(command, ctx)
        return command


def _show_flags_without_type(command: Any, ctx: Any) -> None:
    """Let the help of a command and of those below it show `--json` alone: the library writes <bool> beside a flag, as if
    it took a value."""
    for parameter in command.get_params(ctx):
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    for below in getattr(command, "commands", {}).values():
        _show_flags_without_type(below, ctx)


def _stand_in(name: str) -> typer.Typer:
    """A command that only carries its line of help."""
    app = typer.Typer()
    app.command(name=name, help=COMMANDS[name])(lambda: None)
    return app


app = typer.Typer(cls=_LazyCommands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _say_version(asked: bool) -> None:
    if asked:
        from perlinsos import __version__

        typer.echo(f"perlinsos {__version__}")
        raise typer.Exit


@app.callback()
def _perlinsos(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version and end.")
    ] = False,
) -> None:
    """Perlinsos: recipient lists that a family can have explained, an auditor can replay and a ministry can load."""


def main() -> None:
    """Run the command line; every error is printed with its remedy and ends with the contract's exit code."""
    survive_closed_pipe()
    try:
        app()
    except Exception as error:
        sys.exit(end_with(error))


if __name__ == "__main__":
    main()
