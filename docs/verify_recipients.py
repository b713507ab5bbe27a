# fmt: off
"""Tell the content digest of recipients, whatever saved them: python verify_recipients.py FILE datapackage.json

FILE is .parquet, .csv, .csv.gz or .xlsx; where no value was changed the digest is `content_digest` in manifest.json.
"""
import hashlib, json, struct, sys  # noqa: E401, I001
from datetime import date
import pandas as pd
import pyarrow.parquet as pq

def integers(values): return b"".join(struct.pack("<q", value) for value in values)
def text(value): return integers([len(value.encode())]) + value.encode()
def texts(values): return integers(len(v.encode()) for v in values) + b"".join(v.encode() for v in values)

def read(path):
    if path.endswith(".parquet"):
        return pq.read_table(path).to_pylist()
    frame = pd.read_excel(path, dtype=str) if path.endswith(".xlsx") else pd.read_csv(path, dtype=str, keep_default_na=False)
    return frame.fillna("").to_dict("records")

def restore(kind, value):
    if isinstance(value, str) and kind != "text":
        if kind == "list<text>":
            return value.split("|") if value else []
        return None if not value else date.fromisoformat(value[:10]) if kind == "date" else int(value.removesuffix(".0"))
    return None if isinstance(value, str) and not value else value

def column(kind, values):
    mask = bytes(value is None for value in values)
    if kind == "text":
        return mask + texts([value or "" for value in values])
    if kind == "list<text>":
        return mask + integers(map(len, values)) + texts([item for items in values for item in items])
    if kind == "date":
        values = [value and (value - date(1970, 1, 1)).days for value in values]
    return mask + integers(int(value or 0) for value in values)

def content_digest(path, package):
    with open(package, "rb") as file:
        schema = next(one["schema"] for one in json.load(file)["resources"] if one["name"] == "recipients")
    kinds = {field["name"]: field["kind"] for field in schema["fields"]}
    rows = [{name: restore(kind, row[name]) for name, kind in kinds.items()} for row in read(path)]
    key = schema.get("primaryKey") or [name for name, kind in kinds.items() if kind != "list<text>"]
    order = [*key, *(name for name in kinds if name not in key)]  # lists by their joined text
    rows.sort(key=lambda row: [(False,) if row[n] is None else (True, "|".join(row[n]) if kinds[n] == "list<text>" else row[n])
                               for n in order])
    parts = [text(name) + text(kind) + column(kind, [row[name] for row in rows]) for name, kind in kinds.items()]
    return hashlib.sha256(text("recipients") + integers([len(kinds), len(rows)]) + b"".join(parts)).hexdigest()

if __name__ == "__main__":
    print(content_digest(sys.argv[1], sys.argv[2]))
