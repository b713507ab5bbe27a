# The image of Airflow's parts with perlinsos in it. It runs as a user without rights and holds no secret.
FROM python:3.12.12-slim-bookworm AS build
WORKDIR /opt/perlinsos
RUN python -m venv /opt/venv
COPY requirements-compose.txt ./
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-compose.txt
COPY pyproject.toml requirements.in README.md LICENSE ./
COPY src src
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .

FROM python:3.12.12-slim-bookworm
RUN groupadd --gid 10001 perlinsos \
 && useradd --uid 10001 --gid perlinsos --home-dir /var/lib/perlinsos --shell /usr/sbin/nologin perlinsos \
 && install -d -o perlinsos -g perlinsos -m 0700 /var/lib/perlinsos /var/lib/perlinsos/airflow /var/lib/perlinsos/logs
COPY --from=build /opt/venv /opt/venv
WORKDIR /opt/perlinsos
COPY dags dags
COPY plugins plugins
COPY expectations expectations
COPY programmes programmes
COPY reference reference
COPY sources sources
COPY sql sql
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    AIRFLOW_HOME=/var/lib/perlinsos/airflow \
    PERLINSOS_HOME=/var/lib/perlinsos \
    PERLINSOS_PROJECT=/opt/perlinsos
USER perlinsos
VOLUME /var/lib/perlinsos
CMD ["perlinsos", "--help"]
