"""
### ingest
Reads, checks and accepts all deliveries that wait for one region (or `national`), in the order of their snapshot dates.
**From:** deliveries in state *landed*. **Makes:** typed rows, the quarantine with every failing row, the funnel, the region
index, and one batch a delivery, in one transaction. A refused delivery is recorded and set aside and never stops the others;
`accept` then fails at its end and names it.
**A rerun:** nothing new, or judged again where the rules have changed.
"""

from airflow.sdk import DAG, PartitionedAssetTimetable, task

from perlinsos_airflow.assets import accepted, emit, landed
from perlinsos_airflow.schedules import retries

with DAG(
    "ingest",
    description="Read, check and accept the deliveries of a region",
    tags=["deliveries"],
    schedule=PartitionedAssetTimetable(assets=landed),
    catchup=False,
    max_active_runs=8,
    default_args=retries(),
    doc_md=__doc__,
):

    @task
    def read() -> dict[str, object]:
        """Raw bytes to typed rows, in canonical Parquet."""
        from perlinsos.operations import accept
        from perlinsos_airflow.steps import partition_key, run

        return dict(run(accept.read, partition_key()))

    @task(pool="check")
    def check() -> dict[str, object]:
        """Row verdicts in SQL from `expectations/`, then Great Expectations from the same file as the gate."""
        from perlinsos.operations import accept
        from perlinsos_airflow.steps import partition_key, run

        return dict(run(accept.check, partition_key()))

    @task(outlets=[accepted])
    def accept(*, outlet_events=None) -> dict[str, object]:
        """Commit batch, funnel and index of each delivery; then wake `dispatch`."""
        from perlinsos.operations import accept
        from perlinsos_airflow.steps import partition_key, run

        key = partition_key()
        outcome = dict(run(accept.accept, key))
        emit(outlet_events, accepted, [key])
        return outcome

    read() >> check() >> accept()
