"""The two READMEs of a consumer's folder: what this is, how to check it, and the one right line for each reader."""

from __future__ import annotations

from collections.abc import Mapping

from perlinsos.publication.manifest import SIMULATION_NOTICE, ListFacts

_TEXTS = {
    "id": {
        "title": "Daftar penerima",
        "status": "Status",
        "digest": "Sidik daftar (list_digest)",
        "outcomes": "| hasil | baris | rupiah tahap ini | rupiah setahun |",
        "check": "Cara memeriksa berkas ini",
        "checks": "Jalankan di folder ini. `KEY.pub` adalah kunci publik dari `keys/` pada bucket "
        "terbitan (namanya nomor kunci yang disebut minisign); pastikan kuncinya dari jalur tepercaya.",
        "read": "Cara membaca berkas ini",
        "types": "Jangan membaca CSV tanpa tipe: `35.10` akan menjadi 35.1. Tipe setiap kolom ada di `datapackage.json`. "
        "Daftar kode dipisahkan tanda `|`.",
        "tokens": "Tidak ada nama, NIK, atau nomor KK di sini. "
        "Setiap keluarga memiliki token tetap khusus untuk penerima berkas ini.",
        "families": "Kode alasan bukan vonis atas keluarga; "
        "setiap keluarga berhak atas penjelasan dan dapat mengajukan sanggah gratis.",
    },
    "en": {
        "title": "List of recipients",
        "status": "Status",
        "digest": "Digest of the list (list_digest)",
        "outcomes": "| outcome | rows | rupiah this stage | rupiah a year |",
        "check": "How to check these files",
        "checks": "Run in this folder. `KEY.pub` is the public key from `keys/` of the published bucket (named by the key id "
        "that minisign prints); get it over a way you trust.",
        "read": "How to read these files",
        "types": "Do not read the CSV without types: `35.10` becomes 35.1. The type of each column stands in `datapackage.json`. "
        "Lists of codes are joined with `|`.",
        "tokens": "There is no name, NIK or card number here. "
        "Each family has a lasting token, made for the consumer of these files alone.",
        "families": "A reason code is no verdict on a family: each may have its answer explained, and object, free of charge.",
    },
}
_CHECK = """```
minisign -Vm manifest.json -p KEY.pub
sha256sum -c SHA256SUMS
perlinsos snapshot verify . --public-key KEY.pub
```"""
READERS = {
    "pandas": 'pandas.read_parquet("recipients.parquet")',
    "pandas (CSV)": 'pandas.read_csv("recipients.csv.gz", dtype=str, keep_default_na=False)',
    "DuckDB": "select * from 'recipients.parquet'",
    "DuckDB (CSV)": "select * from read_csv('recipients.csv.gz', all_varchar = true)",
}


def write_readme(language: str, facts: ListFacts, outcomes: Mapping[str, Mapping[str, int]]) -> str:
    """The README in `id` or `en`."""
    texts = _TEXTS[language]
    lines = [f"# {texts['title']} {facts.label}", ""]
    if facts.is_simulation:
        lines += [f"**{SIMULATION_NOTICE}**", ""]
    lines += [f"{texts['status']}: `{facts.status}`", "", f"{texts['digest']}: `{facts.list_digest}`", ""]
    lines += [texts["outcomes"], "|---|---:|---:|---:|"]
    lines += [f"| {name} | {of['rows']} | {of['amount_stage_idr']} | {of['amount_year_idr']} |" for name, of in outcomes.items()]
    lines += ["", texts["tokens"], "", texts["families"], "", f"## {texts['check']}", "", texts["checks"], "", _CHECK, ""]
    lines += [f"## {texts['read']}", "", texts["types"], ""]
    lines += [f"- {reader}: `{line}`" for reader, line in READERS.items()]
    return "\n".join(lines) + "\n"
