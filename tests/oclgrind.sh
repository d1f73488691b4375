#!/bin/sh
# Runs a test under Oclgrind; it exits 0 even when it found something, so that the log must be empty.
#   oclgrind.sh PROGRAM ARGUMENTS...
set -u
command -v oclgrind >/dev/null || { echo "SKIP: oclgrind is not installed (Debian: oclgrind)"; exit 77; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
oclgrind --build-options -DHG_SLOW_SHUFFLES --data-races --uniform-writes --uninitialized --check-api --log "$log" "$@"
status=$?
if [ -s "$log" ]; then
    echo "Oclgrind's log:"
    head -n 60 "$log"
    exit 1
fi
exit $status
