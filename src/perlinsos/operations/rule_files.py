"""The rule files of an input set, kept by their digest: an old list can be decided again after `programmes/` has changed.

`rules/<sha256>` in the work bucket is one file of `programmes/` as it was when an input set was frozen. With them is kept
how the agencies of its sources were called on that day, for the explanations of the list.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from perlinsos.context import Context
from perlinsos.errors import Refused
from perlinsos.model.rule_folder import RuleFolder, load_rule_folder
from perlinsos.sources.agencies import read_agencies
from perlinsos.storage import Missing, digest_of

REASONS = "reasons.yaml"
AGENCIES = "agencies.json"
"""Source id → agency, made from `sources/`; the only one of these files that is not one of `programmes/`."""


def rule_key(digest: str) -> str:
    """Where a rule file lies in the work bucket."""
    return f"rules/{digest}"


def load_today(ctx: Context) -> RuleFolder:
    """Today's `programmes/`, read once as long as no file of it changes. Refused where a file is faulty."""
    folder = ctx.settings.folder("programmes")
    return _load(folder, _as_key(_digest_today(folder)))


def _as_key(digests: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Digests as something that a cache can know."""
    return tuple(sorted(digests.items()))


@lru_cache(maxsize=4)
def _load(folder: Path, _digests: tuple[tuple[str, str], ...]) -> RuleFolder:
    """The folder whose files have these digests."""
    return load_rule_folder(folder)


def _digest_today(folder: Path) -> dict[str, str]:
    """Every rule file of a folder, name → sha256."""
    paths = [*folder.glob("*.yaml"), *folder.glob("*/programme.yaml")]
    return {str(path.relative_to(folder)): digest_of(path) for path in paths}


def load_pinned(ctx: Context, wanted: Mapping[str, str]) -> RuleFolder:
    """The rules of an input set; where today's files are the same, today's folder with whatever else is in it."""
    today_folder = ctx.settings.folder("programmes")
    today = _digest_today(today_folder)
    if all(today.get(name) == digest for name, digest in wanted.items() if name != AGENCIES):
        return _load(today_folder, _as_key(today))
    with tempfile.TemporaryDirectory(prefix="perlinsos-rules-") as folder:
        return load_rule_folder(fetch_rules(ctx, wanted, Path(folder)))


def list_rule_files(ctx: Context, programmes: Iterable[str]) -> list[str]:
    """The files that say what the programmes pay, to whom and on which legal basis; those of every programme that excludes
    one of them, on whatever day, are part of it. Refused where a file is faulty."""
    known, found, left = load_today(ctx).programmes, set[str](), list(programmes)
    while left:
        code = left.pop()
        if code in known and code not in found:
            found.add(code)
            left += [other for dated in known[code].excluded_by for other in dated.value]
    return ["parameters.yaml", REASONS, *(f"{code}/programme.yaml" for code in sorted(found))]


def store_rules(ctx: Context, programmes: list[str], sources: Iterable[str]) -> dict[str, str]:
    """Keep today's rule files of the programmes and the names of the sources' agencies; name → sha256.

    Nothing is written that is there already. Only the sources of the input set: that another one is added or renamed
    changes nothing for a region that does not read it.
    """
    folder = ctx.settings.folder("programmes")
    kept = {}
    for name in list_rule_files(ctx, programmes):
        kept[name] = digest_of(folder / name)
        ctx.storage.put_new(ctx.settings.buckets.work, rule_key(kept[name]), folder / name, "application/yaml")
    agencies = _today_agencies(ctx, sources)
    kept[AGENCIES] = digest_of(agencies)
    ctx.storage.put_new(ctx.settings.buckets.work, rule_key(kept[AGENCIES]), agencies, "application/json")
    return kept


def _today_agencies(ctx: Context, sources: Iterable[str] | None = None) -> bytes:
    """`agencies.json` of today's `sources/`, of some of them or of all."""
    known = read_agencies(ctx.settings.folder("sources"))
    named = {source: known[source] for source in (known if sources is None else sources) if source in known}
    return json.dumps(named, ensure_ascii=False, sort_keys=True).encode()


def load_agencies(rules: Path) -> dict[str, str]:
    """Source id → agency of a folder that `fetch_rules` wrote."""
    return dict(json.loads((rules / AGENCIES).read_bytes()))


def fetch_rules(ctx: Context, wanted: Mapping[str, str], out: Path) -> Path:
    """Write the rule files of an input set into `out`, as `determine` reads them; gives `out`.

    A file comes from the store, else from today's `programmes/` where it is the same. Refused where it is neither,
    naming the file. An input set of a time before the catalogue of reasons or the agencies were pinned takes today's.
    """
    today = ctx.settings.folder("programmes")
    for name, digest in wanted.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.write_bytes(ctx.cache.get(ctx.storage, ctx.settings.buckets.work, rule_key(digest), digest).read_bytes())
        except Missing:
            if not (today / name).exists() or digest_of(today / name) != digest:
                raise Refused(
                    f"A rule file of the list is gone: {name}",
                    where=f"{ctx.settings.buckets.work}/{rule_key(digest)}",
                    why="it was not kept, and programmes/ has another text since",
                    remedy="restore that file of programmes/, or the object from its backup",
                ) from None
            path.write_bytes((today / name).read_bytes())
    if REASONS not in wanted:
        (out / REASONS).write_bytes((today / REASONS).read_bytes())
    if AGENCIES not in wanted:
        (out / AGENCIES).write_bytes(_today_agencies(ctx))
    return out
