"""The broker that is a folder: read while it is written, and after a crash."""

from __future__ import annotations

import threading
from pathlib import Path

from kombu import Connection, Exchange, Queue

from webapp.celery import app

LONG = ["ring"] * 20_000  # takes a while to write


def a_queue(name: str) -> Queue:
    """kombu remembers for the process what it bound: each test has names of its own."""
    return Queue(name, Exchange(name, type="direct"), routing_key=name)


def connected(folder: Path) -> Connection:
    messages, control = folder / "messages", folder / "control"
    messages.mkdir(exist_ok=True)
    control.mkdir(exist_ok=True)
    options = {"data_folder_in": str(messages), "data_folder_out": str(messages)}
    assert app.conf.broker_url, "the app knows the transport"
    return Connection("filesystem://", transport_options=options | {"control_folder": str(control)})


def test_whoever_reads_while_another_writes_gets_each_message_whole_and_once(tmp_path):
    n, got = 60, []
    with connected(tmp_path) as reading, connected(tmp_path) as writing:
        queue = a_queue("whole")(reading.channel())
        queue.declare()

        def write() -> None:
            producer = writing.Producer()
            for number in range(n):
                producer.publish([number, *LONG], exchange="whole", routing_key="whole")

        writer = threading.Thread(target=write)
        writer.start()
        is_over = False
        while not is_over:
            was_over = not writer.is_alive()
            message = queue.get(no_ack=True)
            is_over = was_over and message is None
            if message is not None:
                got.append(message.payload[0])
                assert len(message.payload) == 1 + len(LONG)
        writer.join()
    assert sorted(got) == list(range(n))
    assert not any((tmp_path / "messages").iterdir())


def test_a_message_that_a_crash_left_empty_ends_no_worker(tmp_path):
    with connected(tmp_path) as connection:
        queue = a_queue("crash")(connection.channel())
        queue.declare()
        (tmp_path / "messages" / "1_a.crash.msg").touch()
        (tmp_path / "messages" / "1_b.crash.msg").write_text('{"half": ')
        connection.Producer().publish("whole", exchange="crash", routing_key="crash")
        assert queue.get(no_ack=True).payload == "whole"
        assert queue.get(no_ack=True) is None


def test_queues_that_are_declared_at_once_are_all_known(tmp_path):
    together = Exchange("together", type="direct")
    names = [f"queue{n}" for n in range(8)]
    start = threading.Barrier(len(names))

    def declare(name: str) -> None:
        with connected(tmp_path) as connection:
            start.wait()
            Queue(name, together, routing_key=name)(connection.channel()).declare()

    threads = [threading.Thread(target=declare, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with connected(tmp_path) as connection:
        for name in names:
            connection.Producer().publish(name, exchange=together, routing_key=name)
            found = Queue(name, together)(connection.channel()).get(no_ack=True)
            assert found is not None, f"{name} is not bound any more"
            assert found.payload == name
