#!/usr/bin/env bash
# Starts the portal and its worker in front of you; Ctrl-C stops both.
set -euo pipefail
cd "$(dirname "$0")/.."

# The schema, the demonstration when it is asked for and nobody is there yet; prints the address and the sign-ins.
.venv/bin/flask --app app start

.venv/bin/flask --app app worker &
worker=$!
.venv/bin/granian --interface wsgi --workers "${WORKERS:-2}" --blocking-threads 1 --backpressure 128 \
    --host "$HOST" --port "$PORT" --respawn-failed-workers --no-access-log --log-level warning app:create_app --factory &
server=$!

stop() {
    kill -TERM "$server" "$worker" 2>/dev/null || true
    wait "$server" "$worker" 2>/dev/null || true
}
trap 'stop; exit 0' INT TERM
wait -n "$server" "$worker" || true # one of them stopped by itself: so does the other
stop
exit 1
