"""Consumers: rows and columns by profile, tokens of their own, keys that are replaced, what changed, status records."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perlinsos.context import Context, open_context
from perlinsos.errors import PerlinsosError, Refused, WrongUsage
from perlinsos.ledger.connection import fetch_rows
from perlinsos.model.datasets import RESULT_TABLES
from perlinsos.operations import consumers
from perlinsos.operations.status import read_status
from perlinsos.publication.commit import advance_latest
from perlinsos.publication.fetch import fetch_list
from perlinsos.publication.files import arrow_schema
from perlinsos.publication.keys import rotate_key
from perlinsos.publication.manifest import ListFacts
from perlinsos.publication.publish import publish
from perlinsos.publication.recipients import Comparison, classify_changes, make_recipients
from perlinsos.publication.schema import find_profile
from perlinsos.publication.status_feed import Standing, read_standing
from perlinsos.publication.tokens import TokenKey
from perlinsos.publication.verify import add_standing, check_verdict, verify_folder
from perlinsos.settings import Settings

from .conftest import AT, KEY, add_consumer, card, decide

LIST_ID = "2026-T1/35.10/pkh"
FOLDER = "programme=pkh/region=35.10/stage=2026-T1"
OF_PERSONS = {"family_token", "person_token", "previous_family_token"}
PROFILES = ("payer", "programme_owner", "auditor", "statistics")


def fetch(ctx: Context, consumer: str, into: Path, revision: int = 1) -> Path:
    folder = into / f"{consumer}-r{revision}"
    fetch_list(ctx.storage, ctx.settings.buckets, f"{LIST_ID}/r{revision}", folder, consumer)
    assert folder.stat().st_mode & 0o077 == 0, "a list is for its owner alone"
    return folder


def recipients(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / "recipients.parquet").to_pylist()
    return rows


def public_keys(ctx: Context) -> list[bytes]:
    """All keys that were ever published: what a verifier holds."""
    bucket = ctx.settings.buckets.published
    return [ctx.storage.get(bucket, found.key) for found in ctx.storage.list(bucket, "keys/")]


@pytest.fixture
def copies(determined: Any, context: Any, tmp_path: Path) -> dict[str, Path]:
    """One copy for each profile, of the same list."""
    ctx: Context = context()
    for profile in PROFILES:
        add_consumer(ctx.settings, f"of-{profile.replace('_', '-')}", profile)
    determined()
    publish(ctx, KEY, {})
    return {profile: fetch(ctx, f"of-{profile.replace('_', '-')}", tmp_path) for profile in PROFILES}


def test_rows_and_columns_follow_the_profile(copies: dict[str, Path]) -> None:
    rows = {profile: recipients(folder) for profile, folder in copies.items()}
    assert {profile: len(found) for profile, found in rows.items()} == {**dict.fromkeys(PROFILES, 23), "payer": 6}
    assert {row["outcome"] for row in rows["payer"]} == {"LAYAK"}
    columns = {profile: set(found[0]) for profile, found in rows.items()}
    assert not columns["payer"] & {"reasons", "warnings", "rank", "queue_position", "decile", "change_class"}
    assert columns["auditor"] - columns["programme_owner"] == {"decile"}
    assert not columns["statistics"] & {*OF_PERSONS, "village_code", "rank", "queue_position", "decile"}
    files = {profile: {path.name for path in folder.iterdir()} for profile, folder in copies.items()}
    assert {"components.parquet", "findings.parquet"} <= files["auditor"]
    assert not {"components.parquet", "findings.parquet"} & (files["programme_owner"] | files["payer"] | files["statistics"])


def test_all_quote_the_same_list_digest_and_hold_no_number(copies: dict[str, Path]) -> None:
    found = {json.loads((folder / "manifest.json").read_bytes())["list_digest"] for folder in copies.values()}
    assert len(found) == 1
    for folder in copies.values():
        tables = [pq.read_table(path).to_pylist() for path in folder.glob("*.parquet")]
        plain = str(tables) + "".join(path.read_text() for path in folder.iterdir() if path.suffix in {".md", ".json", ".sql"})
        assert not [number for number in range(600) if card(number) in plain]


def test_the_tokens_of_two_consumers_cannot_be_joined(copies: dict[str, Path]) -> None:
    """No token, and no part of one behind its key id, stands with two consumers; so a join of two files finds nobody."""
    parts = []
    for profile in ("payer", "programme_owner", "auditor"):
        tables = [pq.read_table(path) for path in copies[profile].glob("*.parquet")]
        tokens = {token for table in tables for name in OF_PERSONS & set(table.column_names) for token in table[name].to_pylist()}
        parts.append({token.partition("-")[2] for token in tokens - {None}})
        assert len(parts[-1]) >= 6
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert not parts[one] & parts[other]


def test_evidence_is_joined_by_tokens_within_a_consumer(copies: dict[str, Path]) -> None:
    tokens = {row["family_token"] for row in recipients(copies["auditor"])}
    for name in ("components", "findings"):
        assert set(pq.read_table(copies["auditor"] / f"{name}.parquet")["family_token"].to_pylist()) <= tokens


def test_the_readmes_say_that_rows_without_a_person_are_families(copies: dict[str, Path]) -> None:
    for profile, folder in copies.items():
        texts = {language: (folder / f"README.{language}.md").read_text() for language in ("id", "en")}
        has_persons = profile != "statistics"
        assert ("Baris tanpa `person_token` adalah tentang keluarga." in texts["id"]) == has_persons
        assert ("A row without `person_token` is about a family." in texts["en"]) == has_persons
        assert ("person_token" in recipients(folder)[0]) == has_persons


def test_a_programme_of_persons_has_a_token_for_each_person() -> None:
    rows = [{**decide("pip", number // 2), "unit": "person", "nik": card(500 + number)} for number in range(8)]
    decisions = pa.Table.from_pylist(rows, arrow_schema(RESULT_TABLES["decisions"]))
    key = TokenKey("ABCD", b"k" * 32)
    found = make_recipients("2026-T1/35.10/pip", decisions, find_profile("auditor"), key).to_pylist()
    assert len({(row["family_token"], row["person_token"]) for row in found}) == 8
    assert len({row["family_token"] for row in found}) == 4
    assert {row["family_token"] for row in found}.isdisjoint(row["person_token"] for row in found)


def test_a_scope_limits_the_lists(determined: Any, context: Any, tmp_path: Path) -> None:
    ctx: Context = context()
    add_consumer(ctx.settings, "bpnt-only", "payer", programmes=["bpnt"])
    add_consumer(ctx.settings, "elsewhere", "payer", regions=["35.09"])
    determined(programmes=("pkh", "bpnt"))
    publish(ctx, KEY, {})
    keys = [found.key for found in ctx.storage.list(ctx.settings.buckets.published)]
    assert {key.split("/")[1] for key in keys if key.startswith("consumer=bpnt-only/")} == {
        "programme=bpnt",
        "status",
        "latest.json",
    }
    assert not [key for key in keys if key.startswith("consumer=elsewhere/")]


def test_a_key_that_is_replaced_leaves_old_lists_and_links_the_new_tokens(determined: Any, context: Any, tmp_path: Path) -> None:
    determined(families=23)
    publish(context("run-1"), KEY, {})
    ctx: Context = context("run-2")
    before = {found.key: ctx.storage.get("perlinsos-published", found.key) for found in ctx.storage.list("perlinsos-published")}
    done = consumers.rotate(ctx, "kemensos-demo", tokens=True, access=False)
    determined(families=24)
    publish(ctx, KEY, {})
    old, new = fetch(ctx, "kemensos-demo", tmp_path, 1), fetch(ctx, "kemensos-demo", tmp_path, 2)
    assert all(ctx.storage.get("perlinsos-published", key) == data for key, data in before.items() if "latest" not in key)
    for folder in (old, new):
        assert not verify_folder(folder, public_keys(ctx)).faults
    first, second = recipients(old), recipients(new)
    assert {row["family_token"][:4] for row in second} == {done["token_key_id"]}
    links = {row["previous_family_token"]: row["family_token"] for row in second}
    assert {row["family_token"] for row in first} < set(links)
    assert {row["previous_family_token"] for row in first} == {None}
    changes = pq.read_table(new / "changes_from_rev_1.parquet").to_pylist()
    assert {row["family_token"] for row in changes} <= set(links.values())


def test_a_key_that_is_replaced_while_a_list_is_repaired_changes_nothing(determined: Any, context: Any, tmp_path: Path) -> None:
    determined()

    class Died(BaseException):
        pass

    def die(step: str) -> None:
        if step == "perlinsos-published signature":
            raise Died

    with pytest.raises(Died):
        publish(context("run-1"), KEY, {}, die)
    ctx: Context = context("run-2")
    consumers.rotate(ctx, "kemensos-demo", tokens=True, access=False)
    assert publish(ctx, KEY, {})["published"]
    assert not verify_folder(fetch(ctx, "kemensos-demo", tmp_path), public_keys(ctx)).faults


def test_a_signing_key_that_is_replaced_leaves_old_lists_verifiable(determined: Any, context: Any, tmp_path: Path) -> None:
    determined(families=9)
    publish(context("run-1"), KEY, {})
    ctx: Context = context("run-2")
    done = rotate_key(ctx.settings, ctx.storage)
    determined(families=12)
    publish(ctx, KEY, {})
    assert len(public_keys(ctx)) == 2
    signed_by = []
    for revision in (1, 2):
        verdict = verify_folder(fetch(ctx, "kemensos-demo", tmp_path, revision), public_keys(ctx))
        assert not verdict.faults
        signed_by.append(verdict.key_id)
    assert signed_by == [done["previous_key_id"], done["key_id"]]
    standing = read_standing(
        ctx.storage, ctx.settings.buckets.published, "consumer=kemensos-demo/status/", f"{LIST_ID}/r1", public_keys(ctx)
    )
    assert standing is not None and standing.faults == [] and standing.stands == "superseded"


def test_what_changed_stands_beside_the_list_and_its_sums_in_the_ledger(determined: Any, context: Any, tmp_path: Path) -> None:
    for families in (20, 23):
        determined(families=families)
        publish(context(f"run-{families}"), KEY, {})
    ctx: Context = context()
    folder = fetch(ctx, "kemensos-demo", tmp_path, 2)
    changes = pq.read_table(folder / "changes_from_rev_1.parquet").to_pylist()
    assert len(changes) == 3 and {row["compared_with"] for row in changes} == {f"{LIST_ID}/r1"}
    with ctx.connect("reader") as connection:
        (row,) = fetch_rows(connection, "select changes from list_revision where revision = 2")
    sums = row["changes"]["revision"]
    assert sums["compared_with"] == f"{LIST_ID}/r1"
    assert sum(cause["delta_stage_idr"] for cause in sums["causes"]) == sum(row["delta_stage_idr"] for row in changes)
    totals = [
        sum(row["amount_stage_idr"] for row in recipients(fetch(ctx, "kemensos-demo", tmp_path / f"{number}", number)))
        for number in (1, 2)
    ]
    assert totals[1] - totals[0] == sum(row["delta_stage_idr"] for row in changes)


def test_what_changed_against_the_stage_before_stands_in_each_row(determined: Any, context: Any, tmp_path: Path) -> None:
    determined(families=20, stage="2025-T4")
    publish(context("run-1"), "35.10|2025-T4", {})
    determined(families=25)
    ctx: Context = context("run-2")
    publish(ctx, KEY, {})
    folder = fetch(ctx, "kemensos-demo", tmp_path)
    classes: dict[tuple[str, str | None], int] = {}
    for row in recipients(folder):
        found = (row["outcome"], row["change_class"])
        classes[found] = classes.get(found, 0) + 1
    assert classes == {
        ("LAYAK", "CONTINUING"): 5, ("LAYAK", "NEW"): 1, ("LAYAK", "MOVED"): 1, ("ANTREAN", None): 6, ("TIDAK_LAYAK", None): 6,
        ("TUNDA", None): 6,
    }  # fmt: skip
    changes = pq.read_table(folder / "changes_from_stage_2025-T4.parquet").to_pylist()
    assert len(changes) == 5 and {row["compared_with"] for row in changes} == {"2025-T4/35.10/pkh/r1"}
    assert not (folder / "changes_from_rev_1.parquet").exists()
    with ctx.connect("reader") as connection:
        rows = fetch_rows(connection, "select changes from list_revision order by list_id")
    assert [set(row["changes"] or {}) for row in rows] == [set(), {"stage"}]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (("LAYAK", 600), ("LAYAK", 600), "CONTINUING"),
        (("LAYAK", 600), ("LAYAK", 700), "AMOUNT"),
        (("LAYAK", 600), ("TUNDA", 0), "STOPPED"),
        (("TUNDA", 0), ("LAYAK", 600), "NEW"),
        (None, ("LAYAK", 600), "NEW"),
        (("ANTREAN", 0), ("TIDAK_LAYAK", 0), None),
        (None, ("TUNDA", 0), None),
    ],
)
def test_the_class_of_a_change(before: tuple[str, int] | None, now: tuple[str, int], expected: str | None) -> None:
    def rows(*found: tuple[str, int]) -> pa.Table:
        described = [{"no_kk": card(1), "nik": None, "outcome": name, "amount_stage_idr": amount} for name, amount in found]
        return pa.Table.from_pylist(described, decisions)

    decisions = pa.schema(
        [("no_kk", pa.string()), ("nik", pa.string()), ("outcome", pa.string()), ("amount_stage_idr", pa.int64())]
    )
    earlier = rows(before) if before else rows()
    for cause, moved in (("DATA", expected), ("MOVE", "MOVED" if expected == "NEW" else expected)):
        changes = pa.table({"no_kk": [card(1)], "nik": pa.nulls(1, pa.string()), "cause": [cause]})
        found = classify_changes(rows(now), Comparison("2025-T4/35.10/pkh/r1", earlier, changes))
        assert found.to_pylist() == [moved]


def feed_of(ctx: Context, consumer: str) -> list[dict[str, Any]]:
    keys = [found.key for found in ctx.storage.list("perlinsos-published", f"consumer={consumer}/status/")]
    return [json.loads(ctx.storage.get("perlinsos-published", key)) for key in keys if key.endswith(".json")]


def stand(ctx: Context, revision: int) -> Standing:
    found = read_standing(
        ctx.storage, "perlinsos-published", "consumer=kemensos-demo/status/", f"{LIST_ID}/r{revision}", public_keys(ctx)
    )
    assert found is not None
    return found


def test_the_status_feed_is_numbered_signed_and_chained(determined: Any, context: Any) -> None:
    for families in (9, 12):
        determined(families=families)
        publish(context(f"run-{families}"), KEY, {})
    ctx: Context = context()
    told = [(one["number"], one["event"], one["revision"]) for one in feed_of(ctx, "kemensos-demo")]
    assert told == [(1, "published", 1), (2, "published", 2), (3, "superseded", 1)]
    assert (stand(ctx, 1).stands, stand(ctx, 2).stands) == ("superseded", "published")
    assert (stand(ctx, 1).number, stand(ctx, 1).at) == (3, "2026-01-02T00:00:00Z")
    path = ctx.storage.root / "perlinsos-published/consumer=kemensos-demo/status/000002.json"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"provisional", b"final"))
    faults = stand(ctx, 1).faults
    assert "000002.json is not the record that the next one names" in faults and len(faults) == 2


def test_what_is_suspended_is_not_for_payment(determined: Any, context: Any, tmp_path: Path) -> None:
    determined()
    ctx: Context = context()
    publish(ctx, KEY, {})
    verdict = verify_folder(fetch(ctx, "kemensos-demo", tmp_path), public_keys(ctx))
    add_standing(verdict, stand(ctx, 1))
    check_verdict(verdict)
    events = [*stand(ctx, 1).events, {"number": 2, "event": "suspended"}]
    verdict.standing = replace(stand(ctx, 1), events=events)
    with pytest.raises(Refused, match="is suspended"):
        check_verdict(verdict)
    assert replace(stand(ctx, 1), events=[*events, {"number": 3, "event": "resumed"}]).stands == "published"


def test_publishers_of_one_feed_at_once_leave_one_chain(determined: Any, context: Any) -> None:
    determined(programmes=("pkh", "bpnt"))

    def run(number: int) -> None:
        with suppress(PerlinsosError):
            publish(context(f"run-{number}"), KEY, {})

    with ThreadPoolExecutor(6) as publishers:
        list(publishers.map(run, range(6)))
    ctx: Context = context("last")
    publish(ctx, KEY, {})
    told = [(one["number"], one["event"], one["list_id"]) for one in feed_of(ctx, "kemensos-demo")]
    assert [number for number, _, _ in told] == list(range(1, len(told) + 1))
    assert sorted(told[0:2], key=lambda one: one[2])[0][1:] == ("published", "2026-T1/35.10/bpnt")
    assert len(told) == 2 and stand(ctx, 1).faults == []


def test_latest_never_goes_backwards_whoever_comes_last(determined: Any, context: Any) -> None:
    ctx: Context = context()
    ctx.storage.make_bucket("perlinsos-published")

    def advance(revision: int) -> bool:
        facts = ListFacts(LIST_ID, revision, "provisional", "live", "0" * 64)
        return advance_latest(open_context(ctx.settings, AT).storage, ctx.settings.buckets, "racing", facts, f"{revision:064d}")

    with ThreadPoolExecutor(8) as publishers:
        list(publishers.map(advance, [3, 1, 5, 2, 8, 7, 4, 6]))
    latest = json.loads(ctx.storage.get("perlinsos-published", "consumer=racing/latest.json"))
    assert latest["lists"][LIST_ID]["revision"] == 8
    assert advance(7) is False


def test_a_consumer_that_comes_later_is_served_the_newest_revisions(determined: Any, context: Any, tmp_path: Path) -> None:
    for families in (9, 12):
        determined(families=families)
        publish(context(f"run-{families}"), KEY, {})
    ctx: Context = context()
    add_consumer(ctx.settings, "late", "auditor")
    assert consumers.deliver(ctx, "late") == {"delivered": [f"{LIST_ID}/r2"], "unchanged": []}
    assert consumers.deliver(ctx, "late") == {"delivered": [], "unchanged": [f"{LIST_ID}/r2"]}
    folder = fetch(ctx, "late", tmp_path, 2)
    assert not verify_folder(folder, public_keys(ctx)).faults
    assert len(pq.read_table(folder / "changes_from_rev_1.parquet")) == 3
    assert [one["event"] for one in feed_of(ctx, "late")] == ["published"]


def test_a_revoked_consumer_gets_no_further_list(determined: Any, context: Any) -> None:
    ctx: Context = context()
    add_consumer(ctx.settings, "ended", "payer")
    assert consumers.revoke(ctx, "ended", "the agreement ended")["changed"]
    determined()
    publish(ctx, KEY, {})
    assert not list(ctx.storage.list("perlinsos-published", "consumer=ended/"))
    with pytest.raises(Refused, match="was revoked"):
        add_consumer(ctx.settings, "ended", "payer")
    with pytest.raises(Refused, match="no such consumer"):
        consumers.deliver(ctx, "ended")


@pytest.mark.parametrize(
    ("name", "profile", "error"),
    [("Bad", "payer", WrongUsage), ("of/slash", "payer", WrongUsage), ("x", "payer", WrongUsage), ("lists", "payer", Refused),
     ("good", "public", WrongUsage), ("kemensos-demo", "payer", Refused)],
)  # fmt: skip
def test_a_record_that_is_none_is_refused(
    keys: Path, context: Any, tmp_path: Path, name: str, profile: str, error: type[PerlinsosError]
) -> None:
    path = tmp_path / "consumer.yaml"
    path.write_text(json.dumps({"consumer": name, "name": "test", "profile": profile, "legal_basis": "test"}))
    with pytest.raises(error):
        consumers.add(context(), path)


def register_without_key(ctx: Context, name: str) -> None:
    """A consumer in the ledger whose token key this machine does not have."""
    add_consumer(ctx.settings, name, "payer")
    (ctx.settings.home / "keys" / "tokens" / f"{name}.json").unlink()


def test_a_consumer_without_a_token_key_stops_nobody_else(determined: Any, context: Any, tmp_path: Path) -> None:
    determined()
    ctx: Context = context("run-1")
    register_without_key(ctx, "aaa-half-made")  # its turn comes first
    (published,) = publish(ctx, KEY, {})["published"]
    (refused,) = published["undelivered"]
    assert (refused["consumer"], refused["what"]) == ("aaa-half-made", "The consumer has no token key")
    assert "consumer add" in refused["remedy"]
    assert not verify_folder(fetch(ctx, "kemensos-demo", tmp_path), public_keys(ctx)).faults
    assert not list(ctx.storage.list("perlinsos-published", "consumer=aaa-half-made/"))
    with ctx.connect("reader") as connection:
        (row,) = fetch_rows(connection, "select counts, state::text from outcome where step = 'publish'")
    assert row["state"] == "done" and [one["consumer"] for one in row["counts"]["undelivered"]] == ["aaa-half-made"]
    missing = [one for entry in read_status(ctx) for one in entry["undelivered"]]
    assert missing == [{"list_id": LIST_ID, "revision": 1, "consumer_id": "aaa-half-made"}]
    add_consumer(ctx.settings, "aaa-half-made", "payer")
    assert consumers.deliver(ctx, "aaa-half-made")["delivered"] == [f"{LIST_ID}/r1"]
    assert [one for entry in read_status(ctx) for one in entry["undelivered"]] == []


def test_a_consumer_is_in_the_ledger_only_with_its_key(
    keys: Path, context: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    ctx: Context = context()
    with monkeypatch.context() as patched:
        patched.setattr(consumers, "ensure_token_key", die)
        with pytest.raises(KeyboardInterrupt):
            add_consumer(settings, "half-made", "payer")
    assert "half-made" not in {row["consumer_id"] for row in consumers.describe(ctx)}
    assert add_consumer(settings, "half-made", "payer")["changed"]
    assert {row["consumer_id"]: bool(row["token_key_id"]) for row in consumers.describe(ctx)}["half-made"]


def test_a_consumer_that_is_revoked_meanwhile_gets_no_manifest(determined: Any, context: Any) -> None:
    determined()
    ctx: Context = context("run-1")
    add_consumer(ctx.settings, "zzz-stays", "payer")

    def revoke(step: str) -> None:
        if step == "perlinsos-published read back":
            consumers.revoke(context("other"), "kemensos-demo", "the agreement ended")

    (published,) = publish(ctx, KEY, {}, revoke)["published"]
    assert [one["consumer"] for one in published["undelivered"]] == ["kemensos-demo"]
    names = {found.key.rsplit("/", 1)[1] for found in ctx.storage.list("perlinsos-published", "consumer=kemensos-demo/")}
    assert "recipients.parquet" in names and not names & {"manifest.json", "latest.json", "000001.json"}
    assert ctx.storage.stat("perlinsos-published", f"consumer=zzz-stays/{FOLDER}/rev=1/manifest.json") is not None


STATUS = "perlinsos-published/consumer=kemensos-demo/status"


def test_a_last_record_without_signature_is_a_fault_until_the_next_publication(
    determined: Any, context: Any, tmp_path: Path
) -> None:
    ctx: Context = context()
    for families in (9, 12):
        determined(families=families)
        publish(context(f"run-{families}"), KEY, {})
    (ctx.storage.root / STATUS / "000003.json.minisig").unlink()
    standing = stand(ctx, 2)
    assert [fault for fault in standing.faults if fault.startswith("000003.json is not signed")] == standing.faults != []
    verdict = verify_folder(fetch(ctx, "kemensos-demo", tmp_path, 2), public_keys(ctx))
    add_standing(verdict, standing)
    with pytest.raises(Refused, match="not what was signed"):
        check_verdict(verdict)
    determined(families=13)
    publish(context("run-13"), KEY, {})
    assert stand(ctx, 2).faults == [] and stand(ctx, 2).stands == "superseded"


@pytest.mark.parametrize("data", [b"{}", b"not json", b"[]"])
def test_a_record_that_somebody_else_put_at_the_end_is_a_fault(determined: Any, context: Any, data: bytes) -> None:
    determined()
    ctx: Context = context()
    publish(ctx, KEY, {})
    ctx.storage.put_new("perlinsos-published", "consumer=kemensos-demo/status/000002.json", data, "application/json")
    assert [fault[:25] for fault in stand(ctx, 1).faults] == ["000002.json is not signed", "000002.json is no record "]


def test_a_signature_comes_before_its_record(determined: Any, context: Any) -> None:
    """So that a reader never sees a record of ours that is not signed."""
    determined()
    ctx: Context = context()
    put, order = type(ctx.storage).put_new, []

    def note(storage: Any, bucket: str, key: str, *rest: Any) -> Any:
        order.append(key)
        return put(storage, bucket, key, *rest)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(ctx.storage), "put_new", note)
        publish(ctx, KEY, {})
    told = [key for key in order if key.startswith("consumer=kemensos-demo/status/")]
    assert told == [f"consumer=kemensos-demo/status/000001.json{ending}" for ending in (".minisig", "")]


def test_tokens_are_linked_to_those_that_a_consumer_holds_however_often_the_key_is_replaced(
    determined: Any, context: Any, tmp_path: Path
) -> None:
    determined(families=23)
    publish(context("run-1"), KEY, {})
    ctx: Context = context("run-2")
    for _ in range(2):
        consumers.rotate(ctx, "kemensos-demo", tokens=True, access=False)
    for families in (24, 25):  # the link stays with the lists that follow
        determined(families=families)
        publish(ctx, KEY, {})
    held = {row["family_token"] for row in recipients(fetch(ctx, "kemensos-demo", tmp_path, 1))}
    for revision in (2, 3):
        rows = recipients(fetch(ctx, "kemensos-demo", tmp_path, revision))
        assert held < {row["previous_family_token"] for row in rows}
        assert len({row["family_token"][:4] for row in rows} | {token[:4] for token in held}) == 2


def test_a_list_of_another_stage_and_a_first_list_are_linked_too(determined: Any, context: Any, tmp_path: Path) -> None:
    determined(families=20, stage="2025-T4")
    publish(context("run-1"), "35.10|2025-T4", {})
    ctx: Context = context("run-2")
    (entry,) = json.loads(ctx.storage.get("perlinsos-published", "consumer=kemensos-demo/latest.json"))["lists"]
    for _ in range(2):
        consumers.rotate(ctx, "kemensos-demo", tokens=True, access=False)
    determined(families=20, programmes=("pkh", "bpnt"))
    publish(ctx, KEY, {})
    fetch_list(ctx.storage, ctx.settings.buckets, f"{entry}/r1", tmp_path / "before", "kemensos-demo")
    held = {row["family_token"] for row in recipients(tmp_path / "before")}
    for programme in ("pkh", "bpnt"):
        folder = tmp_path / programme
        fetch_list(ctx.storage, ctx.settings.buckets, f"2026-T1/35.10/{programme}", folder, "kemensos-demo")
        assert {row["previous_family_token"] for row in recipients(folder)} == held


@pytest.mark.parametrize(
    ("scope", "what", "place"),
    [({"programmes": ["pkh", "PKH"]}, "There is no programme PKH", "programmes.1"),
     ({"programmes": ["no-such"]}, "There is no programme no-such", "programmes.0"),
     ({"regions": ["35.10", "35.99"]}, "There is no region 35.99", "regions.1")],
)  # fmt: skip
def test_a_scope_of_what_does_not_exist_is_refused(
    keys: Path, context: Any, settings: Settings, scope: dict[str, list[str]], what: str, place: str
) -> None:
    with pytest.raises(Refused) as refused:
        add_consumer(settings, "scoped", "payer", **scope)
    assert refused.value.what == what and refused.value.remedy
    assert refused.value.where == f"{settings.home / 'consumer-scoped.yaml'}: {place}"
    assert "scoped" not in {row["consumer_id"] for row in consumers.describe(context())}
