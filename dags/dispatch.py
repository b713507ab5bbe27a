"""
### dispatch
Advances every region by one tick, each in its own transaction: freezes input sets at the cut-off, opens and closes windows,
emits what is due (live before backfill) and, again, what was claimed and not finished.
**From:** the ledger, at the time of this run. **Makes:** input sets, windows, work, and the asset `due`, one key a region and
stage. One region's error never stops the others.
**A rerun:** the same, at the same time.
"""

from airflow.sdk import DAG, task

from perlinsos_airflow.assets import due
from perlinsos_airflow.schedules import every, retries

with DAG(
    "dispatch",
    description="Advance every region by one tick: freeze, open and close windows, call for work",
    tags=["lists"],
    schedule=every("dispatch"),
    catchup=False,
    max_active_runs=1,
    default_args=retries(),
    doc_md=__doc__,
):

    @task(outlets=[due])
    def advance(*, outlet_events=None) -> dict[str, object]:
        """One tick for every region."""
        from perlinsos_airflow.ticks import advance_and_call

        return advance_and_call(outlet_events)

    advance()
