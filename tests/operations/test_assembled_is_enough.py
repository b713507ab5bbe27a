"""The assembled inputs of a region decide as all rows of all regions would: nothing that matters is left behind."""

from datetime import date

import duckdb
import pytest

from perlinsos.engine import open_engine
from perlinsos.ledger.deliveries import Batch
from perlinsos.ledger.input_sets import describe_batch, make_input_set
from perlinsos.operations.assembling import assemble_inputs
from perlinsos.recipients.determine import determine

REGIONS = ("35.10", "35.09")
DATASETS = ("population", "welfare_family", "welfare_person", "signal")


@pytest.fixture(scope="module")
def country(tmp_path_factory):
    """Clean inputs of two regions that know some of the same families, with every 40th row set aside."""
    from perlinsos.cli import app

    folder = tmp_path_factory.mktemp("country")
    words = ["synth", "--out", str(folder / "made"), "--share", "--canonical", "--seed", "11"]
    for region, families in zip(REGIONS, ("400", "300"), strict=True):
        words += ["--region", region, "--families", families]
    app(words, standalone_mode=False)
    for region in REGIONS:
        for dataset in DATASETS:
            out = folder / f"{region}-{dataset}"
            out.mkdir()
            source = folder / "made" / "canonical" / region / f"{dataset}.parquet"
            rows = duckdb.sql(f"select *, row_number() over () as _row from '{source}'")
            rows.filter("_row % 40 <> 7").write_parquet(str(out / "accepted.parquet"))
            there = {"source", "nik", "no_kk", "code"} & set(rows.columns)
            names = [n if n in there else f"null::text as {n}" for n in ("source", "nik", "no_kk", "code")]
            rows.filter("_row % 40 = 7").project(f"_row, {', '.join(names)}").write_parquet(str(out / "held.parquet"))
    return folder


def make_batch(region, dataset):
    return Batch(f"{region}-{dataset}", 0, dataset, dataset, region, "full", date(2025, 12, 20), 1, {}, 0, 0, 0, 1)


def assemble_region(country, region, out):
    """The input folder of one region, with the other one's batches pinned as foreign."""
    entries = [
        describe_batch(make_batch(code, dataset)) | {"role": "own" if code == region else "foreign"}
        for code in REGIONS
        for dataset in DATASETS
    ]
    frozen = make_input_set(
        {"region": region, "stage": "2026-T1", "batches": entries, "repairs": [], "minimum_wage": WAGES, "quotas": []}
    )
    out.mkdir()
    with open_engine(1) as engine:
        assemble_inputs(engine, frozen, lambda batch, name: country / batch.batch_digest / name, out)
    return out


WAGES = [
    {"region_code": code, "year": "2026", "umk_idr": "2989145", "ump_idr": "2446880", "reference": None, "valid_from": None}
    for code in REGIONS
]


def everything(country, out):
    """All rows of both regions in one folder."""
    out.mkdir()
    for dataset in DATASETS:
        files = [str(country / f"{region}-{dataset}" / "accepted.parquet") for region in REGIONS]
        duckdb.read_parquet(files).project("* exclude (_row)").write_parquet(str(out / f"{dataset}.parquet"))
    held = " union all ".join(
        f"select '{dataset}' as dataset, coalesce(source, '{dataset}') as source, nik, no_kk from "
        f"'{country / f'{region}-{dataset}' / 'held.parquet'}'"
        for region in REGIONS
        for dataset in DATASETS
    )
    duckdb.sql(held).write_parquet(str(out / "quarantined.parquet"))
    (out / "minimum_wage.csv").write_text(
        "region_code,year,umk_idr,ump_idr,reference,valid_from\n"
        + "".join(f"{row['region_code']},2026,2989145,2446880,,\n" for row in WAGES)
    )
    (out / "quota.csv").write_text("region_code,programme,stage,quota,decree_id\n")
    return out


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_is_decided_as_if_all_rows_were_there(country, tmp_path, region):
    few = determine(region, "2026-T1", assemble_region(country, region, tmp_path / "few"), tmp_path / "out-few", threads=1)
    every = determine(region, "2026-T1", everything(country, tmp_path / "all"), tmp_path / "out-all", threads=1)
    digests = [{p: found["programmes"][p]["list_digest"] for p in ("pkh", "bpnt")} for found in (few, every)]
    assert digests[0] == digests[1]
    assert few["funnel"]["decided"] > 250


def test_the_other_regions_rows_matter_here(country, tmp_path):
    folder = assemble_region(country, "35.10", tmp_path / "few")
    own = duckdb.sql(f"select count(*) from '{country / '35.10-population' / 'accepted.parquet'}'").fetchall()[0][0]
    assert duckdb.sql(f"select count(*) from '{folder / 'population.parquet'}'").fetchall()[0][0] > own
