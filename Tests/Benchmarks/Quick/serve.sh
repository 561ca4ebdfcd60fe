#!/bin/sh
# Starts a release build of the program as a benchmark from outside wants it: one database file, one port, one sink.
# usage: serve.sh PROGRAM sqlite:FILE PORT SINK_URL
set -eu
here=$(cd "$(dirname "$0")" && pwd)
program=$1 file=${2#sqlite:} port=$3 sink=$4
folder=$file.state
mkdir -p "$folder/state"
# Whoever measures the disk looks at the file that it named.
ln -sfn "$folder/state/cordon.db" "$file"
ln -sfn "$folder/state/cordon.db-wal" "$file-wal"
# A new file name, or one that was removed, is a new installation.
[ -e "$file" ] || rm -rf "$folder/state/evidence"
cat > "$folder/cordon.yaml" <<Y
listen: { address: 127.0.0.1, port: $port }
state: state
library: $here/library
log: { level: warning }
Y
cat > "$folder/connections.yaml" <<Y
sources:
  - { id: bench, connector: bench }
providers:
  - id: sink
    connector: bench
    settings: { url: "$sink", about: "http://127.0.0.1:$port/health" }
    egress: { plain_http: true, loopback: true }
    limits: { concurrent: 64 }
Y
cat > "$folder/identities.yaml" <<Y
identities:
  - id: svc-ci-deploy
    kind: credential
    provider: sink
    owner: team/bench
    matches: { subject: svc-ci-deploy }
Y
exec "$program" serve --config "$folder/cordon.yaml"
