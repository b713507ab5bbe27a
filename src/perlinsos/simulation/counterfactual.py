"""The exact split of a difference into data and rules: the rules of the earlier list on the inputs of the later one.

earlier → (old rules, new inputs): what data, quotas and minimum wages changed; → later: what the rules changed, on equal
inputs. The two steps add up by construction (docs/decisions/0007-cause-of-a-change.md).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from perlinsos.context import Context
from perlinsos.ledger.input_sets import InputSet
from perlinsos.operations.rebuild import rebuild_inputs, settings_of
from perlinsos.operations.rule_files import fetch_rules
from perlinsos.recipients.determine import determine
from perlinsos.simulation.rule_folders import hold_on

SEED = "lottery_seed"


def decide_with_old_rules(
    ctx: Context, earlier: InputSet, later: InputSet, as_of: date, settings: dict[str, Any], work: Path
) -> Path:
    """Decide the later inputs by the rules as they held for the earlier list; the folder with the tables.

    `as_of` and `settings` are the earlier list's (its manifest's: every parameter by its full name). The lottery seed is
    the later one's: it is drawn from the inputs, and nobody's rule. Refused where an input or a rule file is gone.
    """
    rebuild_inputs(ctx, later, work / "inputs")
    rules = hold_on(fetch_rules(ctx, earlier.document["rules"], work / "rules-then"), as_of, work / "rules")
    programmes = [code for code in later.document["programmes"] if code in earlier.document["programmes"]]
    given = {name: value for name, value in settings.items() if name != SEED}
    seed = settings_of(later).get(SEED)
    determine(
        later.document["region"], later.document["stage"], work / "inputs", work / "out", programmes=programmes,
        scope=earlier.document["scope"], settings=given | ({SEED: seed} if seed else {}), threads=ctx.settings.threads,
        memory_limit=ctx.settings.memory_limit, rules_folder=rules,
    )  # fmt: skip
    return work / "out"
