# Stands in for postgres:17 with Debian's own package: the variables, paths and ids of the official image that the stack uses.
FROM debian:trixie-slim
RUN groupadd --system --gid 999 postgres \
 && useradd --system --uid 999 --gid postgres --home-dir /var/lib/postgresql postgres \
 && apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends postgresql-17 \
 && install --directory --owner=postgres --group=postgres --mode=1777 /var/lib/postgresql/data \
 && install --directory --owner=postgres --group=postgres --mode=3777 /run/postgresql
COPY docker-ensure-initdb.sh /usr/local/bin/docker-ensure-initdb.sh
ENV PATH=/usr/lib/postgresql/17/bin:/usr/local/bin:/usr/bin:/bin PGDATA=/var/lib/postgresql/data
STOPSIGNAL SIGINT
CMD ["postgres"]
