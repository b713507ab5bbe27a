"""
### housekeeping
Once a day: does the bucket still hold what the ledger says (`reconcile`), away with what is no longer needed
(`clean`), and does no number of a person stand where it must not (`scan`).
**From:** ledger and object storage. **Makes:** adopted manifests of publishers that died, a report of differences, free space.
**A rerun:** safe.
"""

from datetime import timedelta

import pendulum
from airflow.sdk import DAG, CronTriggerTimetable, TriggerRule, task

from perlinsos_airflow.schedules import retries

with DAG(
    "housekeeping",
    description="Reconcile, clean and scan for leaks, once a day",
    tags=["platform"],
    schedule=CronTriggerTimetable("30 1 * * *", timezone="Asia/Jakarta"),
    start_date=pendulum.datetime(2025, 1, 1, tz="Asia/Jakarta"),
    catchup=False,
    max_active_runs=1,
    default_args=retries() | {"execution_timeout": timedelta(hours=2)},
    doc_md=__doc__,
):

    @task
    def reconcile() -> dict[str, object]:
        """Compare bucket and ledger; adopt a manifest of equal digest; re-hash a rotating sample."""
        from perlinsos.operations import housekeeping
        from perlinsos_airflow.steps import run

        return dict(run(housekeeping.reconcile))

    @task
    def clean() -> dict[str, object]:
        """Remove temporary objects and what the cache and the logs keep beyond their time."""
        from perlinsos.operations import housekeeping
        from perlinsos_airflow.steps import run

        return dict(run(housekeeping.clean))

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def scan() -> dict[str, object]:
        """Prove that no number of a person stands in logs, databases, keys and published objects."""
        from perlinsos.operations import housekeeping
        from perlinsos_airflow.steps import run

        return dict(run(housekeeping.scan))

    reconcile() >> clean() >> scan()
