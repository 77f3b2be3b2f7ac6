#!/usr/bin/env bash
# A PostgreSQL server for tests: postgres.sh start FOLDER | url FOLDER | stop FOLDER | crash FOLDER
#
# Needs Debian's package postgresql. All that it makes is in FOLDER, which is to be a new one; the
# server listens on this machine alone. `start` goes on with what a `stop` or a `crash` left there.
set -euo pipefail

as_user() {  # the server refuses to run as root
  if [[ $EUID == 0 ]]; then runuser -u postgres -- "$@"; else "$@"; fi
}

start() {
  mkdir -p "$folder"
  if [[ $EUID == 0 ]]; then chown postgres "$folder"; fi
  if [[ ! -d $folder/data ]]; then
    as_user "$bin/initdb" --pgdata "$folder/data" --auth trust --username workbench \
      --no-sync > /dev/null
  fi
  as_user "$bin/pg_ctl" start --wait --silent --pgdata "$folder/data" --log "$folder/log" \
    --options "-p $port -k $folder -c listen_addresses=127.0.0.1 -c fsync=off"
}

stop() {  # MODE
  as_user "$bin/pg_ctl" stop --silent --pgdata "$folder/data" --mode "$1"
}

action=${1:?start, url, stop or crash}
folder=$(realpath -m "${2:?a folder}")
port=${POSTGRES_TEST_PORT:-15432}
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
cd /
case $action in
  start) start ;;
  url) echo "postgresql://workbench@127.0.0.1:$port/postgres" ;;
  stop) stop fast ;;
  crash) stop immediate ;;
  *) echo "postgres.sh: unknown '$action'" >&2; exit 2 ;;
esac
