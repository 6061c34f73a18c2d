#!/usr/bin/env bash
# Starts the portal and its worker in front of you; Ctrl-C stops both.
set -euo pipefail
cd "$(dirname "$0")/.."

.venv/bin/python deploy/can_listen.py "$HOST" "$PORT"

# The schema, the demonstration when it is asked for and nobody is there yet; prints the address and the sign-ins.
.venv/bin/flask --app app start

# Each in a session of its own: the terminal tells this script alone, which tells each of them once. A process of granian that
# is told twice at a time may wait for ever for a lock that it holds itself; one told while it starts may not hear it.
setsid .venv/bin/flask --app app worker &
worker=$!
setsid .venv/bin/granian --interface wsgi --workers "${WORKERS:-2}" --blocking-threads 1 --backpressure 128 --workers-kill-timeout 5 \
    --host "$HOST" --port "$PORT" --respawn-failed-workers --no-access-log --log-level warning app:create_app --factory &
server=$!

stop() {
    kill -TERM "$server" "$worker" 2>/dev/null || true
    for _ in $(seq "${STOP_TENTHS:-300}"); do # each finishes what is under way; what has not after half a minute never heard
        kill -0 "$server" 2>/dev/null || kill -0 "$worker" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL -- "-$server" "-$worker" 2>/dev/null || true
    wait "$server" "$worker" 2>/dev/null || true
}
trap 'stop; exit 0' INT TERM HUP
wait -n "$server" "$worker" || true # one of them stopped by itself: so does the other
stop
exit 1
