#!/usr/bin/env bash
# Package: kombu==5.7.0 (Celery's transports; here `filesystem://`, a broker that is a folder).
#
# Situation: one process publishes while another polls, as a web process and a worker do all the
# time. kombu takes a lock on each file that it writes.
# A good guess: the lock is what keeps a reader from a message that is not written yet.
# What happens: the reader never asks for the lock. It lists the folder, moves the file away and
# reads whatever is in it: nothing, where the writer has only just made it. `get` raises
# json.JSONDecodeError, which is none of the transport's recoverable errors, so that a Celery worker
# ends with "Unrecoverable error". The message is gone.
# Why it matters: the gap is a few microseconds for small messages, so that it is hit about never on
# an idle machine, and now and then on one whose processors are all busy.
# Where it bears on us: webapp/folder_broker.py puts messages in their place whole.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check kombu==5.7.0 2>/dev/null
env/bin/pip list 2>/dev/null | grep -E '^kombu '
mkdir messages control
cat > talk.py <<'PYTHON'
import sys

from kombu import Connection, Exchange, Queue

options = {"data_folder_in": "messages", "data_folder_out": "messages", "control_folder": "control"}
queue = Queue("jobs", Exchange("jobs", type="direct"), routing_key="jobs")
with Connection("filesystem://", transport_options=options) as connection:
    here = queue(connection.channel())
    here.declare()
    if sys.argv[1] == "write":
        producer = connection.Producer()
        for n in range(300):  # long ones, so that it is seen without a busy machine
            producer.publish([n, *["ring"] * 20_000], exchange="jobs", routing_key="jobs")
    else:
        got = []
        while len(got) < 300:
            try:
                message = here.get(no_ack=True)
            except ValueError as error:
                print(f"after {len(got)} messages: {type(error).__name__}: {error}")
                is_recoverable = isinstance(error, connection.recoverable_connection_errors)
                print("a recoverable error of the connection:", is_recoverable)
                assert not is_recoverable, "this has changed"
                break
            if message is not None:
                got.append(message.payload[0])
        else:
            sys.exit("all messages came whole: this has changed")
PYTHON
env/bin/python talk.py read &
reader=$!
sleep 1
env/bin/python talk.py write
wait "$reader"
echo "As described."
