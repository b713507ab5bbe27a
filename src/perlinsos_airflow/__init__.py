"""What only Airflow needs: the assets, the emission of partition keys, the schedules, and one way to run a step.

The core (`perlinsos`) does not import Airflow; this package is the only bridge, besides `dags/` and `plugins/`.
"""
