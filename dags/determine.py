"""
### determine
Computes the lists of one region and stage from its frozen input set, and publishes them.
**From:** the work that `dispatch` wrote for the key `35.10|2026-T1`; each task finds it in the ledger by that key, so that
*Clear* and *Mark success* publish nothing wrong. **Makes:** rows with reasons, and a revision of each programme: data first,
the manifest last.
**A rerun:** an equal digest and status make no new revision.
"""

from airflow.sdk import DAG, PartitionedAssetTimetable, task

from perlinsos_airflow.assets import due
from perlinsos_airflow.schedules import retries

with DAG(
    "determine",
    description="Assemble, decide and publish one region and stage",
    tags=["lists"],
    schedule=PartitionedAssetTimetable(assets=due),
    catchup=False,
    max_active_runs=8,
    default_args=retries(),
    doc_md=__doc__,
):

    @task
    def assemble() -> dict[str, object]:
        """The region's rows, the foreign rows that share a number, and the quarantine, from the input set alone."""
        from perlinsos.operations import assemble
        from perlinsos_airflow.steps import partition_key, run

        return dict(run(assemble.assemble, partition_key()))

    @task(pool="engine")
    def determine() -> dict[str, object]:
        """Every family's outcome with its reasons; the funnel is asserted."""
        from perlinsos.operations import assemble
        from perlinsos_airflow.steps import partition_key, run

        return dict(run(assemble.determine, partition_key()))

    @task(pool="publish")
    def publish() -> dict[str, object]:
        """A revision of each programme: reserve, data objects, read back, signature, manifest last, record."""
        from perlinsos.publication import publish
        from perlinsos_airflow.steps import partition_key, provenance, run

        return dict(run(publish.publish, partition_key(), provenance()))

    assemble() >> determine() >> publish()
