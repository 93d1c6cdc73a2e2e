"""Details of the protocol that the public test suite does not cover."""
import socket
import time

import pytest


def control(kernel, kind, content):
    session, channel = kernel.client.session, kernel.client.control_channel
    message = session.msg(kind, content)
    channel.send(message)
    while True:
        reply = kernel.client.get_control_msg(timeout=10)
        if reply["parent_header"]["msg_id"] == message["header"]["msg_id"]:
            return reply


def shell(kernel, message, timeout=10):
    kernel.client.shell_channel.send(message)
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        reply = kernel.client.get_shell_msg(timeout=timeout)
        if reply["parent_header"]["msg_id"] == message["header"]["msg_id"]:
            return reply["content"]


def no_reply(kernel):
    import queue

    with pytest.raises(queue.Empty):
        kernel.client.get_shell_msg(timeout=1)


def test_wrongly_signed_and_unsigned_messages_are_rejected(kernel):
    kernel.ok("1")
    session = kernel.client.session
    key = session.key
    for wrong in (b"another key", b""):
        session.key = wrong
        kernel.client.shell_channel.send(session.msg("kernel_info_request", {}))
        session.key = key
        no_reply(kernel)
    assert shell(kernel, session.msg("kernel_info_request", {}))["implementation"] == "candlebook"


def test_a_replayed_message_is_rejected(kernel):
    message = kernel.client.session.msg("kernel_info_request", {})
    assert shell(kernel, message)["status"] == "ok"
    kernel.client.shell_channel.send(message)
    no_reply(kernel)


def test_a_message_is_not_run_again_on_the_other_channel(kernel):
    kernel.ok("let mut count = 0;")
    session = kernel.client.session
    message = session.msg("execute_request", {"code": "count += 1;", "silent": False, "store_history": True})
    assert shell(kernel, message, timeout=60)["status"] == "ok"
    kernel.client.control_channel.send(message)
    time.sleep(1)
    assert kernel.ok("count").text == "1"


def test_sockets_are_bound_only_to_the_given_address(kernel):
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
    port = kernel.manager.shell_port
    socket.create_connection(("127.0.0.1", port), timeout=2).close()
    for address in others or {"127.0.0.2"}:
        with pytest.raises(OSError):
            socket.create_connection((address, port), timeout=2)


def test_debug_requests_fail_and_unknown_comms_are_closed(kernel):
    reply = control(kernel, "debug_request", {"type": "request", "command": "initialize", "seq": 1, "arguments": {}})
    assert reply["msg_type"] == "debug_reply" and reply["content"]["success"] is False
    session = kernel.client.session
    message = session.msg("comm_open", {"comm_id": "c1", "target_name": "nobody", "data": {}})
    kernel.client.shell_channel.send(message)
    while True:
        published = kernel.client.get_iopub_msg(timeout=10)
        if published["msg_type"] == "comm_close":
            assert published["content"]["comm_id"] == "c1"
            break
    assert shell(kernel, session.msg("comm_info_request", {}))["comms"] == {}


def test_user_expressions_are_answered_and_silent_cells_leave_no_trace(kernel):
    kernel.ok("let five = 5;")
    before = kernel.ok("five").reply["execution_count"]
    reply = kernel.run("five", user_expressions={"twice": "five * 2", "bad": "nothing"}).reply
    assert reply["user_expressions"]["twice"]["data"] == {"text/plain": "10"}
    assert reply["user_expressions"]["bad"]["status"] == "error"
    silent = kernel.run("five", silent=True, store_history=False)
    assert silent.of("execute_input") == [] and silent.of("execute_result") == []
    assert kernel.ok("five").reply["execution_count"] == before + 2


def test_new_subscribers_are_welcomed(kernel):
    import zmq

    context = zmq.Context.instance()
    subscriber = context.socket(zmq.SUB)
    subscriber.connect(f"tcp://127.0.0.1:{kernel.manager.iopub_port}")
    subscriber.subscribe(b"")
    assert subscriber.poll(5000)
    _, parts = kernel.client.session.feed_identities(subscriber.recv_multipart())
    message = kernel.client.session.deserialize(parts)
    assert message["msg_type"] == "iopub_welcome"
    subscriber.close()


def test_shutdown_ends_the_process_and_removes_the_session(fresh):
    import os
    import pathlib

    kernel = fresh()
    kernel.ok("1")
    folder = pathlib.Path(os.environ["CANDLEBOOK_HOME"]) / f"sessions/{kernel.manager.provisioner.pid}-0"
    assert folder.exists()
    reply = control(kernel, "shutdown_request", {"restart": False})
    assert reply["content"] == {"status": "ok", "restart": False}
    deadline = time.monotonic() + 5
    while folder.exists() or kernel.manager.provisioner.process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
