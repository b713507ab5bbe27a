"""
### dispatch_on_accept
The same tick as `dispatch`, as soon as a delivery was accepted: nobody waits for the next five minutes.
Many acceptances at once make one run. The ledger makes the two safe side by side.
**A rerun:** the same, at the same time.
"""

from airflow.sdk import DAG, FixedKeyMapper, PartitionedAssetTimetable, task

from perlinsos_airflow.assets import accepted, due
from perlinsos_airflow.schedules import retries

with DAG(
    "dispatch_on_accept",
    description="The same tick as soon as a delivery was accepted",
    tags=["lists"],
    schedule=PartitionedAssetTimetable(assets=accepted, default_partition_mapper=FixedKeyMapper("accepted")),
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
