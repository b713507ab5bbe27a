"""
### watch
Looks at everything once: deliveries late or refused, quarantine above its share, regions that stand still, dates that come
near, conflicts, differences, leaks, the disk. **From:** the ledger and the disk, at the time of this run. **Makes:** alerts in
the ledger, one message each, and one when it is over. Whether Airflow itself lives is told from outside, by
`perlinsos doctor --alert`.
**A rerun:** the same; nothing is told twice, also by two at once.
"""

from datetime import timedelta

from airflow.sdk import DAG, task

from perlinsos_airflow.schedules import every, retries

with DAG(
    "watch",
    description="Tell people once what is wrong and once when it is over",
    tags=["platform"],
    schedule=every("watch"),
    catchup=False,
    max_active_runs=1,
    default_args=retries() | {"execution_timeout": timedelta(minutes=10)},
    doc_md=__doc__,
):

    @task
    def look() -> dict[str, object]:
        """Judge, note, tell."""
        from perlinsos.operations.alerts import watching
        from perlinsos_airflow.steps import run

        return dict(run(watching.watch))

    look()
