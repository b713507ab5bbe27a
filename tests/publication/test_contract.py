"""The contract of recipients is what is committed; a breaking change needs a new major version."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from perlinsos.commands.contract import app
from perlinsos.errors import Refused
from perlinsos.publication.contract import check_contract, describe_contract, write_contract
from perlinsos.publication.schema import SCHEMA_VERSION
from perlinsos.settings import find_project

COMMITTED = find_project() / "contracts" / "recipients"


def test_the_committed_contract_is_the_schema_in_the_code() -> None:
    assert (COMMITTED / f"{SCHEMA_VERSION}.odcs.yaml").read_text() == write_contract()
    assert check_contract(COMMITTED)["is_committed"]
    assert json.loads(CliRunner().invoke(app, ["check", "--json"]).stdout)["changes"] == []


def test_it_is_an_odcs_document() -> None:
    schema = json.loads((resources.files("open_data_contract_standard") / "schema.json").read_text())
    document = yaml.safe_load(write_contract())
    jsonschema.validate(document, schema)
    assert document["apiVersion"] == "v3.1.0"


def column(contract: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in contract["schema"][0]["properties"] if one["name"] == name)
    return found


def rename(contract: dict[str, Any]) -> None:
    column(contract, "rank")["name"] = "place"


def remove(contract: dict[str, Any]) -> None:
    contract["schema"][0]["properties"].remove(column(contract, "rank"))


def retype(contract: dict[str, Any]) -> None:
    column(contract, "rank")["logicalType"] = "string"


def tighten(contract: dict[str, Any]) -> None:
    column(contract, "rank")["required"] = True


def loosen(contract: dict[str, Any]) -> None:
    column(contract, "outcome")["required"] = False


def allow_less(contract: dict[str, Any]) -> None:
    column(contract, "outcome")["quality"][0]["arguments"]["validValues"].remove("TUNDA")


def rekey(contract: dict[str, Any]) -> None:
    column(contract, "outcome")["primaryKeyPosition"] = 4


def take_from_profile(contract: dict[str, Any]) -> None:
    contract["roles"][0]["customProperties"][1]["value"].remove("amount_year_idr")


def drop_profile(contract: dict[str, Any]) -> None:
    contract["roles"].pop()


def unkey(contract: dict[str, Any]) -> None:
    del column(contract, "family_token")["primaryKey"]


def key_false(contract: dict[str, Any]) -> None:
    column(contract, "family_token")["primaryKey"] = False


def name_column_otherwise(contract: dict[str, Any]) -> None:
    column(contract, "decile")["physicalName"] = "desil"


def name_table_otherwise(contract: dict[str, Any]) -> None:
    contract["schema"][0]["physicalName"] = "penerima"


def reorder(contract: dict[str, Any]) -> None:
    contract["schema"][0]["properties"].reverse()


def put_in_front(contract: dict[str, Any]) -> None:
    contract["schema"][0]["properties"].insert(0, {**column(contract, "rank"), "name": "new"})


def reorder_profile(contract: dict[str, Any]) -> None:
    contract["roles"][0]["customProperties"][1]["value"].reverse()


def allow_anything(contract: dict[str, Any]) -> None:
    del column(contract, "outcome")["quality"]


def forget_the_values(contract: dict[str, Any]) -> None:
    column(contract, "outcome")["quality"] = [{"type": "text", "description": "one of four"}]


BREAKING = (
    rename, remove, retype, tighten, loosen, allow_less, rekey, take_from_profile, drop_profile, unkey, key_false, reorder,
    name_column_otherwise, name_table_otherwise, put_in_front, reorder_profile, allow_anything, forget_the_values,
)  # fmt: skip


@pytest.mark.parametrize("change", BREAKING)
def test_a_breaking_change_needs_a_new_major_version(change: Callable[[dict[str, Any]], None]) -> None:
    contract = copy.deepcopy(describe_contract())
    change(contract)
    for version in ("1.0.0", "1.1.0", "1.0.1"):
        with pytest.raises(Refused) as refused:
            check_contract(COMMITTED, {**contract, "version": version})
        assert "2.0.0" in refused.value.remedy
    assert any(one["is_breaking"] for one in check_contract(COMMITTED, {**contract, "version": "2.0.0"})["changes"])


def test_an_added_column_needs_a_minor_version_and_new_words_a_patch() -> None:
    added = copy.deepcopy(describe_contract())
    added["schema"][0]["properties"].append({**column(added, "rank"), "name": "new"})
    with pytest.raises(Refused, match="without a new version") as refused:
        check_contract(COMMITTED, {**added, "version": "1.0.1"})
    assert "1.1.0" in refused.value.remedy
    assert not check_contract(COMMITTED, {**added, "version": "1.1.0"})["is_committed"]
    worded = copy.deepcopy(describe_contract())
    column(worded, "rank")["description"] = "Another text"
    with pytest.raises(Refused, match="without a new version") as refused:
        check_contract(COMMITTED, worded)
    assert "1.0.1" in refused.value.remedy


@pytest.mark.parametrize("version", ["2.0.0-rc1", "2.0", "v2.0.0", "", "2.0.0.0", "two", "02.0.0", "2.0.0\n", 2.0, None])
def test_a_version_of_another_form_is_refused(tmp_path: Path, version: Any) -> None:
    document = {**describe_contract(), "version": version}
    with pytest.raises(Refused, match="version has another form") as refused:
        check_contract(COMMITTED, document)
    assert "MAJOR.MINOR.PATCH" in refused.value.remedy
    (tmp_path / "x.odcs.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(Refused, match="version has another form"):
        check_contract(tmp_path)


def test_a_committed_version_is_never_written_over(tmp_path: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(app, ["write", "--folder", str(tmp_path)]).exit_code == 0
    path = tmp_path / f"{SCHEMA_VERSION}.odcs.yaml"
    assert path.read_text() == write_contract()
    path.write_text(path.read_text().replace("Place in the queue", "Something else"))
    assert isinstance(runner.invoke(app, ["write", "--folder", str(tmp_path)]).exception, Refused)
