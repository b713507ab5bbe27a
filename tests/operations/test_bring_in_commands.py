"""The commands with which an operator brings a region in, as docs/bring-in-a-region.md writes them, up to the applied plan."""

import json
import re

import pytest

from perlinsos.cli import app
from perlinsos.operations import accept, dispatch, pull
from perlinsos.settings import find_project
from perlinsos.synthesis.order import SynthOrder, parse_day, run_order

THIRD, REGION = find_project() / "demo" / "third-region", "35.12"


@pytest.fixture
def run(ctx, monkeypatch, capsys):
    """Runs a command in this process on this ledger and store: its JSON, and its exit code where it is not 0."""
    monkeypatch.setenv("PERLINSOS_DATABASE_URL", ctx.settings.database_url)
    monkeypatch.setenv("PERLINSOS_S3_ENDPOINT", ctx.settings.s3_endpoint)
    monkeypatch.setenv("PERLINSOS_HOME", str(ctx.settings.home))

    def call(*words):
        code = app([*words, "--json"], standalone_mode=False)
        found = json.loads(capsys.readouterr().out)
        return found if not code else (code, found)

    return call


def test_from_nothing_to_a_plan_that_was_applied(run, ctx, tmp_path):
    code, found = run("region", "check", REGION, "--stage", "2025-T4")
    assert (code, found["first_missing"]["name"]) == (1, "region")
    run("region", "add", str(THIRD / f"region-{REGION}.yaml"))
    run("decree", "add", str(THIRD / f"tim-{REGION}.yaml"))
    run_order(SynthOrder({REGION: 300}, tmp_path / "past", errors="none", snapshot=parse_day("2025-09-20")))
    delivered = run("deliver", str(tmp_path / "past"))["deliveries"]
    for source in pull.list_due(ctx):
        pull.fetch(ctx, source)
    for key in (REGION, "national"):
        accept.accept(ctx, key)
    words = ["backfill", "plan", REGION, "--from", "2025-T3", "--until", "2025-T4", "--reason", "uji", "--watcher", "A"]
    model = ["--cycle", str(THIRD / f"cycle-{REGION}-2026-T1.yaml"), "--out", str(tmp_path / "plan.yaml")]
    planned = run(*words, *model)
    assert [stage["action"] for stage in planned["stages"]] == ["BLOCKED", "RUN"] and len(delivered) == 10
    assert run("backfill", "apply", str(tmp_path / "plan.yaml"), "--reviewer", "B")["state"] == "applied"
    assert run("region", "check", REGION, "--stage", "2025-T4")["is_ready"]
    assert dispatch.advance(ctx)["keys"] == [f"{REGION}|2025-T4"]
    status = run("backfill", "status", "--region", REGION)["backfills"][0]
    assert [stage["state"] for stage in status["stages"]] == ["BLOCKED", "DUE"]
    assert run("backfill", "cancel", status["backfill_id"])["cancelled"] == ["2025-T4"]
    text = re.sub("[0-9a-f]{64}", "", (tmp_path / "plan.yaml").read_text())
    assert re.findall(r"\d{12,}", text) == []


def test_the_page_is_written(run, tmp_path):
    run("region", "add", str(THIRD / f"region-{REGION}.yaml"))
    code, found = run("region", "check", REGION, "--html", str(tmp_path / "pages.html"), "--language", "en")
    assert code == 1 and found["html"] == str(tmp_path / "pages.html")
    assert "What will happen in Kabupaten Situbondo" in (tmp_path / "pages.html").read_text()


def test_every_command_of_the_page_exists(run):
    text = (find_project() / "docs" / "bring-in-a-region.md").read_text(encoding="utf-8")
    commands = {tuple(line.split()[1:3]) for line in text.splitlines() if line.startswith("perlinsos ")}
    assert {words[0] for words in commands} == {"region", "decree", "deliver", "synth", "backfill", "snapshot", "cycle"}
    for words in commands:
        named = [word for word in words if word.isalpha() and word.islower()]
        assert app([*named[: 1 if words[0] in ("deliver", "synth") else 2], "--help"], standalone_mode=False) in (0, None)
