"""The two READMEs of a consumer's folder: what this is, how to check it, and the one right line for each reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perlinsos.publication.manifest import ListFacts
from perlinsos.publication.schema import Profile

_TEXTS = {
    "id": {
        "title": "Daftar penerima",
        "status": "Status",
        "profile": "Profil penerima berkas",
        "digest": "Sidik daftar (list_digest)",
        "outcomes": "| hasil | baris | rupiah tahap ini | rupiah setahun |",
        "files": "Berkas di folder ini",
        "check": "Cara memeriksa berkas ini",
        "checks": "Jalankan di folder ini. `KEY.pub` adalah kunci publik dari `keys/` pada bucket "
        "terbitan (namanya nomor kunci yang disebut minisign); pastikan kuncinya dari jalur tepercaya.",
        "later": "Apa yang terjadi pada daftar setelah terbit (diganti, ditangguhkan, ditarik) tercatat bertanda tangan di "
        "`status/`. Baca sebelum membayar: `perlinsos snapshot verify` membacanya dan menyebut sampai kapan ia berlaku.",
        "read": "Cara membaca berkas ini",
        "types": "Jangan membaca CSV tanpa tipe: `35.10` akan menjadi 35.1. Tipe setiap kolom ada di `datapackage.json`. "
        "Daftar kode dipisahkan tanda `|`. Nilai kosong berarti tidak ada.",
        "digest_of": "Apa pun pembacanya, isinya sama bila sidik isi sama dengan `content_digest` pada `manifest.json`: "
        "simpan kembali sebagai csv, xlsx, atau parquet lalu jalankan `perlinsos snapshot digest BERKAS --package "
        "datapackage.json`.",
        "tokens": "Tidak ada nama, NIK, atau nomor KK di sini. "
        "Setiap keluarga memiliki token tetap khusus untuk penerima berkas ini, demikian pula setiap orang dalam program per "
        "orang. Baris tanpa `person_token` adalah tentang keluarga.",
        "no_tokens": "Tidak ada nama, NIK, nomor KK, token, atau tempat di bawah kecamatan di sini.",
        "families": "Kode alasan bukan vonis atas keluarga; "
        "setiap keluarga berhak atas penjelasan dan dapat mengajukan sanggah gratis.",
    },
    "en": {
        "title": "List of recipients",
        "status": "Status",
        "profile": "Profile of this consumer",
        "digest": "Digest of the list (list_digest)",
        "outcomes": "| outcome | rows | rupiah this stage | rupiah a year |",
        "files": "Files in this folder",
        "check": "How to check these files",
        "checks": "Run in this folder. `KEY.pub` is the public key from `keys/` of the published bucket (named by the key id "
        "that minisign prints); get it over a way you trust.",
        "later": "What happens to a list after it is published (superseded, suspended, withdrawn) is a signed record in "
        "`status/`. Read it before you pay: `perlinsos snapshot verify` does, and says as of when it speaks.",
        "read": "How to read these files",
        "types": "Do not read the CSV without types: `35.10` becomes 35.1. The type of each column stands in `datapackage.json`. "
        "Lists of codes are joined with `|`. An empty value means that there is none.",
        "digest_of": "Whatever read it, the content is the same where its digest is the `content_digest` of `manifest.json`: "
        "save it as csv, xlsx or parquet again and run `perlinsos snapshot digest FILE --package datapackage.json`.",
        "tokens": "There is no name, NIK or card number here. "
        "Each family has a lasting token, made for the consumer of these files alone; so has each person in a programme for "
        "persons. A row without `person_token` is about a family.",
        "no_tokens": "There is no name, NIK, card number, token or place below the district here.",
        "families": "A reason code is no verdict on a family: each may have its answer explained, and object, free of charge.",
    },
}
_MEANINGS = {
    "recipients": ("penerima, satu baris satu keluarga (atau orang)", "recipients, one row a family (or person)"),
    "changes_from_rev": ("perubahan dari revisi itu, dengan sebabnya", "changes from that revision, with their cause"),
    "changes_from_stage": ("perubahan dari tahap itu, dengan sebabnya", "changes from that stage, with their cause"),
    "components": ("komponen bantuan", "components of the amounts"),
    "findings": ("temuan yang mendasari kode", "findings that the codes rest on"),
    "load.sql": ("memuat CSV ke PostgreSQL", "loads the CSV into PostgreSQL"),
}
_CHECK = """```
minisign -Vm manifest.json -p KEY.pub
sha256sum -c SHA256SUMS
frictionless validate datapackage.json
perlinsos snapshot verify . --public-key KEY.pub
```"""
READERS = {
    "pandas": 'pandas.read_parquet("recipients.parquet")',
    "pandas (CSV)": 'pandas.read_csv("recipients.csv.gz", dtype=str, keep_default_na=False)',
    "pandas (XLSX)": 'pandas.concat(pandas.read_excel("recipients.xlsx", sheet_name=None, dtype=str), ignore_index=True)',
    "polars": 'polars.read_parquet("recipients.parquet")',
    "polars (CSV)": 'polars.read_csv("recipients.csv.gz", infer_schema=False)',
    "polars (XLSX)": 'polars.concat(polars.read_excel("recipients.xlsx", sheet_id=0).values(), how="vertical_relaxed")',
    "DuckDB": "select * from 'recipients.parquet'",
    "DuckDB (CSV)": "select * from read_csv('recipients.csv.gz', all_varchar = true)",
    "PostgreSQL": "psql -d DATABASE -f load.sql",
    "LibreOffice": "soffice --calc recipients.xlsx",
    "R": 'arrow::read_parquet("recipients.parquet")',
    "R (CSV)": 'readr::read_csv("recipients.csv.gz", col_types = readr::cols(.default = "c"))',
}


def write_readme(
    language: str, facts: ListFacts, outcomes: Mapping[str, Mapping[str, int]], profile: Profile, files: Sequence[str]
) -> str:
    """The README in `id` or `en`."""
    texts = _TEXTS[language]
    lines = [f"# {texts['title']} {facts.label}", ""]
    lines += [f"{texts['status']}: `{facts.status}`", "", f"{texts['profile']}: `{profile.name}`", ""]
    lines += [f"{texts['digest']}: `{facts.list_digest}`", "", texts["outcomes"], "|---|---:|---:|---:|"]
    lines += [f"| {name} | {of['rows']} | {of['amount_stage_idr']} | {of['amount_year_idr']} |" for name, of in outcomes.items()]
    lines += ["", texts["tokens" if profile.key else "no_tokens"], "", texts["families"], "", f"## {texts['files']}", ""]
    lines += [f"- `{name}`: {_explain(name, language)}" for name in files]
    lines += ["", f"## {texts['check']}", "", texts["checks"], "", _CHECK, "", texts["later"], ""]
    lines += [f"## {texts['read']}", "", texts["types"], ""]
    lines += [f"- {reader}: `{line}`" for reader, line in READERS.items()]
    lines += ["", texts["digest_of"]]
    return "\n".join(lines) + "\n"


def _explain(name: str, language: str) -> str:
    """What a file holds, in one language."""
    found = next(meaning for beginning, meaning in _MEANINGS.items() if name.startswith(beginning))
    return found[0 if language == "id" else 1]
