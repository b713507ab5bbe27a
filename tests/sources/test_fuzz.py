"""Damaged files of every kind end in an answer or a refusal with a reason, never in another error."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from perlinsos.cli import main
from perlinsos.errors import Refused
from perlinsos.sources.worker import read_files

from .conftest import describe

CASES = Path(__file__).parents[1] / "deliveries" / "cases"
SEEDS = (
    "01-nik-as-number-xlsx/three_cells.xlsx",
    "20-quoted-newlines/objections.csv",
    "17-utf16-tab-text/objections_le.csv",
    "26-zip-contents/mac.zip",
    "29-parquet-string-kinds/dictionary.parquet",
    "32-nested-records/persons.jsonl",
    "32-nested-records/families.parquet",
)
LIMITS = {"seconds": 20, "unpacked_mib": 50}


def mutate(content: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, dropped, repeated or cut off."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 3, 20))):
        place = chance.randrange(len(data))
        match chance.randrange(5):
            case 0:
                data[place] = chance.randrange(256)
            case 1:
                del data[place : place + chance.randrange(1, 50)]
            case 2:
                data[place:place] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 9)))
            case 3:
                data[place:place] = data[place : place + chance.randrange(1, 200)]
            case _:
                data[place : place + 1] = chance.choice((b'"', b"\n", b"\0", b";", b"\xff\xfe", b"PK\x03\x04"))
        if not data:
            return b""
    return bytes(data[: chance.randrange(len(data))] if chance.random() < 0.2 else data)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mutated_file_is_read_or_refused(seed: str, tmp_path: Path) -> None:
    chance = random.Random(seed)
    original = (CASES / seed).read_bytes()
    source = describe("objection" if "objections" in seed else "population", limits=LIMITS)
    answers = set()
    for number in range(60):
        path = tmp_path / "file"
        path.write_bytes(mutate(original, chance))
        out = tmp_path / str(number)
        out.mkdir()
        try:
            answers.add("read" if read_files(source, [path], out)["rows"] >= 0 else "")
        except Refused as error:
            assert error.what and error.why
            answers.add("refused")
    assert "refused" in answers


def test_the_command_answers_to_noise_with_exit_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(7001)
    described = tmp_path / "source.yaml"
    described.write_text(describe("population").model_dump_json(by_alias=True))
    for start in (b"", b"PK\x03\x04", b"PAR1", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\x1f\x8b", b"{"):
        path = tmp_path / "noise"
        path.write_bytes(start + chance.randbytes(3000))
        sys.argv = ["perlinsos", "ingest", "--source", str(described), "--out", str(tmp_path / "out"), str(path)]
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr().err
        assert end.value.code == 1
        assert "what to do" in told and "Traceback" not in told
        assert [found.name for found in (tmp_path / "out").iterdir()] == ["outcome.json"]
