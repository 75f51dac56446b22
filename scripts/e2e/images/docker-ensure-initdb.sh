#!/bin/sh
# What the official image's script of this name does, as far as the stack asks for it: an empty folder becomes a database.
set -eu
if [ -s "$PGDATA/PG_VERSION" ]; then exit; fi
initdb --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8
printf 'host all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
printf "listen_addresses = '*'\n" >>"$PGDATA/postgresql.conf"
pg_ctl start --wait -o "-c listen_addresses=''"
createdb --username="$POSTGRES_USER" "$POSTGRES_DB"
pg_ctl stop --wait --mode=fast
