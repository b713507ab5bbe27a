"""What supervisord runs for a part of Airflow: end what an earlier life of the part left behind, then become the part.

When the scheduler is killed outright, its workers and their tasks live on without anybody to report to; the new one
would run the same tasks beside them.
"""

from __future__ import annotations

import os
import sys

from perlinsos.operations.services.processes import MARK, PART, end, find_ours


def main() -> None:
    """`python -m perlinsos.operations.services.launch <program> <argument>…` never returns."""
    leftovers = find_ours(os.environ[MARK], part=os.environ[PART])
    if leftovers:
        print(f"perlinsos: {len(leftovers)} processes of an earlier {os.environ[PART]} are ended", flush=True)
        end(leftovers, patience=1)  # orphaned workers ignore a request: their parent is gone
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 (the command line is our own configuration's)


if __name__ == "__main__":
    main()
