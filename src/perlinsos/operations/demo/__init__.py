"""The demo: it lays invented deliveries into the landing bucket and from then on only watches Airflow work."""
