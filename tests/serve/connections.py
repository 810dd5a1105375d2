#!/usr/bin/env python3
"""Many connections, most of them idle; and the end of a server that has not begun. connections.py PROGRAM MODEL"""
import http.client
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time

from server import Server

WORKERS = 4


def ask(connection):
    """One short answer; the connection stays open. How long it took."""
    begun = time.monotonic()
    body = json.dumps({"prompt": "And it came", "max_tokens": 2, "temperature": 0})
    connection.request("POST", "/v1/completions", body)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, (answer.status, body)
    return time.monotonic() - begun


def opened(server):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=20)  # idle ones are closed after 30
    connection.connect()
    return connection


def close_all(connections):
    for connection in connections:
        connection.close()


def descriptors_of(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def idle_ones_hold_no_worker(program, model):
    with Server(program, model, "--slots", "2", "-c", "256", "--connections", str(WORKERS)) as server:
        silent = [opened(server) for _ in range(40)]  # that ask nothing at all
        idle = [opened(server) for _ in range(40)]
        first = [ask(connection) for connection in idle]
        new = opened(server)
        seconds = ask(new)
        again = [ask(connection) for connection in idle + silent]
        print(f"{len(idle + silent)} idle connections, {WORKERS} workers: a new request took {1e3 * seconds:.0f} ms, "
              f"those of the idle ones at most {1e3 * max(first + again):.0f} ms")
        close_all(silent + idle + [new])
        for _ in range(100):
            if descriptors_of(server) < 40:
                break
            time.sleep(0.1)
        assert descriptors_of(server) < 40, "connections that clients have closed are still open"


def slow_requests_hold_no_worker_for_long(program, model):
    """They never end, and a byte of each comes again and again: all the workers are theirs until their time is over."""
    heads = (b"GET /health HTTP/1.1\r\nX: ", b"POST /tokenize HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
    options = ["--slots", "2", "-c", "256", "--connections", str(WORKERS), "--read-timeout", "2"]
    with Server(program, model, *options) as server:
        slow = [opened(server) for _ in range(WORKERS)]
        for i, connection in enumerate(slow):
            connection.sock.sendall(heads[i % len(heads)])
        over = threading.Event()

        def drip():
            while not over.wait(0.2):
                for connection in slow:
                    try:
                        connection.sock.sendall(b"a")
                    except OSError:  # closed, as it has to be
                        pass

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            new = opened(server)  # which waits for its turn
            seconds = ask(new)
            for connection in slow:
                answer = b""
                try:
                    while part := connection.sock.recv(4096):
                        answer += part
                except ConnectionResetError:  # what it dripped behind that
                    pass
                head, body = answer.split(b"\r\n\r\n", 1)
                assert head.startswith(b"HTTP/1.1 408 "), answer
                assert json.loads(body)["error"]["code"] == "request_timeout", answer
        finally:
            over.set()
            dripping.join()
        print(f"{WORKERS} requests that come a byte at a time, {WORKERS} workers: a new one took {seconds:.1f} s")
        close_all(slow + [new])


def more_than_select_can_count(program, model):
    wanted = 1200
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4 * wanted:
        print(f"SKIPPED: {wanted} connections: a process may have {hard} descriptors here")
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * wanted), hard))
    with Server(program, model, "--slots", "2", "-c", "256", "--connections", str(WORKERS)) as server:
        idle = [opened(server) for _ in range(wanted)]
        for connection in idle[::100] + idle[-3:]:
            ask(connection)
        assert descriptors_of(server) > wanted
        print(f"{wanted} connections: the server has {descriptors_of(server)} descriptors, and answers on all")
        close_all(idle)


def few_descriptors(program, model):
    allowed, wanted = 512, 700
    options = ["--slots", "2", "-c", "256", "--connections", str(WORKERS)]
    with Server(program, model, *options, descriptors=allowed) as server:
        connections = []
        for _ in range(wanted):
            connections.append(opened(server))
            if len(connections) % 50 == 0:
                ask(connections[-1])
        ask(connections[-1])
        assert descriptors_of(server) < allowed - 64, descriptors_of(server)
        closed = 0
        for connection in connections:
            connection.sock.setblocking(False)
            try:
                closed += connection.sock.recv(1) == b""
            except BlockingIOError:
                pass
        assert 0 < closed < wanted, closed
        print(f"{wanted} connections to a process that may have {allowed} descriptors: {closed} of the oldest closed")
        close_all(connections)


def a_second_signal_ends_what_is_slow(program, model):
    """One whose request never ends, and one that takes nothing of what it asked for."""
    with Server(program, model, "--slots", "2", "-c", "256", "--drain", "300", "--read-timeout", "300") as server:
        half, deaf = opened(server), opened(server)
        half.sock.sendall(b"POST /tokenize HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        deaf.sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 20000)
        ask(opened(server))  # by then the two are served
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert server.process.poll() is None, "it did not wait for its requests"
    print("a second signal ends a server with slow clients")  # the block has sent it, and found that the server ended


def a_signal_before_it_serves(program, model):
    """It waits for its chat template, which never comes: where a large model would be loading."""
    for number in (signal.SIGINT, signal.SIGTERM):
        with tempfile.TemporaryDirectory() as folder:
            pipe = os.path.join(folder, "template")
            os.mkfifo(pipe)
            command = [program, "serve", "-m", model, "--port", "0", "--chat-template", pipe]
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            writer = os.open(pipe, os.O_WRONLY)  # returns when the server reads
            process.send_signal(number)
            try:
                status = process.wait(20)
            finally:
                process.kill()
                os.close(writer)
            assert status == 128 + number, status
    print("signals before it serves end it with 130 and 143")


def main():
    for check in (idle_ones_hold_no_worker, slow_requests_hold_no_worker_for_long, more_than_select_can_count,
                  few_descriptors, a_second_signal_ends_what_is_slow, a_signal_before_it_serves):
        check(*sys.argv[1:3])


main()
