"""The thin line: deliveries → batches → input set → determination, each step safe to repeat."""

from perlinsos.operations import assemble, dispatch

KEY = "35.10|2026-T1"


def test_from_landing_to_a_determination(world):
    assert dispatch.advance(world)["keys"] == [KEY]
    assert assemble.assemble(world, KEY)["rows"]["population.parquet"] == 3
    done = assemble.determine(world, KEY)
    assert done["programmes"]["bpnt"] == {"LAYAK": 2, "ANTREAN": 0, "TIDAK_LAYAK": 1, "TUNDA": 0}
