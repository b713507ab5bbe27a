# fmt: off
"""Recompute a list's digest from its files alone: python verify_list_digest.py FOLDER PROGRAMME (docs/list-digest.md)."""
import hashlib, json, struct, sys  # noqa: E401, I001
from datetime import date
from pathlib import Path
import pyarrow.parquet as pq

TABLES = {  # name -> (columns in order, columns that sort the rows); kind text unless said
    "decisions": ("programme stage as_of:date region_code district_code village_code unit no_kk nik outcome "
                  "reasons:list<text> warnings:list<text> amount_year_idr:int64 amount_stage_idr:int64 "
                  "eligible_amount_year_idr:int64 decile:int64 national_rank:int64 rank:int64 queue_position:int64 "
                  "family_size:int64 head_nik", "programme no_kk nik"),
    "components": ("programme no_kk nik component amount_year_idr:int64 is_counted:bool not_counted_reason",
                   "programme no_kk nik component"),
    "findings": ("programme no_kk nik code source observed_value limit_value legal_basis",
                 "programme no_kk nik code source observed_value"),
    "not_decided": ("no_kk kind region_code", "no_kk"),
}

def integers(values): return b"".join(struct.pack("<q", value) for value in values)
def text(value): return integers([len(value.encode())]) + value.encode()
def texts(values): return integers(len(v.encode()) for v in values) + b"".join(v.encode() for v in values)

def column(kind, values):
    mask = bytes(value is None for value in values)
    if kind == "text":
        return mask + texts([value or "" for value in values])
    if kind == "list<text>":
        lists = [value or [] for value in values]
        return mask + integers(map(len, lists)) + texts([item for items in lists for item in items])
    if kind == "date":
        values = [value and (value - date(1970, 1, 1)).days for value in values]
    return mask + integers(int(value or 0) for value in values)

def table(folder, name, keep=lambda _row: True):
    columns = [word.partition(":")[::2] for word in TABLES[name][0].split()]
    rows = [row for row in pq.read_table(Path(folder) / f"{name}.parquet").to_pylist() if keep(row)]
    rows.sort(key=lambda row: [(row[key] is not None, row[key] or "") for key in TABLES[name][1].split()])
    parts = [text(c) + text(k or "text") + column(k or "text", [row[c] for row in rows]) for c, k in columns]
    return text(name) + integers([len(columns), len(rows)]) + b"".join(parts)

def list_digest(folder, programme):
    manifest, summary = Path(folder) / "manifest.json", Path(folder) / "summary.json"
    rules = json.loads(manifest.read_text()) if manifest.exists() else json.loads(summary.read_text())["programmes"][programme]
    own = [table(folder, name, lambda row: row["programme"] == programme) for name in list(TABLES)[:3]]
    rest = table(folder, "not_decided", lambda row: row["kind"] in ("PINDAH", "TIDAK_MENDAFTAR"))
    return hashlib.sha256(text("perlinsos-list-1") + text(rules["rules_digest"]) + b"".join(own) + rest).hexdigest()

if __name__ == "__main__":
    print(list_digest(sys.argv[1], sys.argv[2]))
