"""Each step writes to the object store under an identity of its own."""

import json
from dataclasses import replace

from perlinsos.settings import act_as


def test_a_step_takes_the_keys_of_its_identity_unless_the_environment_names_keys(settings, monkeypatch):
    monkeypatch.delenv("PERLINSOS_S3_ACCESS_KEY", raising=False)
    own = replace(settings, s3_access_key="operator", s3_secret_key="o")
    assert act_as(own, "loader") is own
    keys = {"loader": {"access_key": "loader", "secret_key": "l"}}
    (own.home / "services.json").write_text(json.dumps({"s3_identities": keys}))
    assert act_as(own, "loader").s3_access_key == "loader"
    assert act_as(own, "nobody") is own
    monkeypatch.setenv("PERLINSOS_S3_ACCESS_KEY", "named")
    assert act_as(own, "loader") is own


def test_every_task_of_the_lists_line_writes_under_less_than_the_operators_rights():
    from perlinsos.operations.services.object_store import actions_of
    from perlinsos.settings import Buckets
    from perlinsos_airflow.steps import _WRITERS

    rights = actions_of(Buckets())
    assert {rights[name] == rights["operator"] for name in _WRITERS.values()} == {False}
    assert "Write:perlinsos-published" not in rights["loader"] + rights["decider"]
