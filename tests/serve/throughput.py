#!/usr/bin/env python3
"""Aggregate speed of N clients at once, without drafts and with: throughput.py PROGRAM MODEL [SERVER OPTION...].

Prints tokens a second of all together, medians of interleaved runs. It measures; it is no test.
"""
import http.client
import json
import statistics
import sys
import threading
import time

from server import Server

CLIENTS = (1, 2, 4, 8)
TOKENS, RUNS = 192, 3
PROMPTS = ["And it came to pass", "def main():", "It is a truth", "The exception is raised", "4 Tell us, when", "As soon as",
           "import os", "Chapter 1"]


def ask(server, prompt, n_max, out):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=600)
    body = {"prompt": prompt, "max_tokens": TOKENS, "temperature": 0, "ignore_eos": True, "speculative.n_max": n_max}
    connection.request("POST", "/v1/completions", json.dumps(body))
    answer = json.loads(connection.getresponse().read())
    out.append((prompt, answer["choices"][0]["text"], answer["timings"]))


def main():
    texts, speeds, accepted = {}, {}, {}
    with Server(*sys.argv[1:3], "--slots", str(max(CLIENTS)), "--n-max", "auto:4", *sys.argv[3:]) as server:
        for run in range(RUNS + 1):  # the first is for the plans
            for clients in CLIENTS:
                for n_max in (0, 1, 3, "auto"):
                    out = []
                    threads = [threading.Thread(target=ask, args=(server, PROMPTS[i], n_max, out)) for i in range(clients)]
                    start = time.monotonic()
                    for thread in threads:
                        thread.start()
                    for thread in threads:
                        thread.join()
                    seconds = time.monotonic() - start
                    for prompt, text, timings in out:
                        assert texts.setdefault(prompt, text) == text, prompt
                        if n_max == 3:
                            accepted[prompt] = timings["draft_n_accepted"] / max(1, timings["draft_n"])
                    if run:
                        speeds.setdefault((clients, n_max), []).append(clients * TOKENS / seconds)
    print("clients  plain  n_max 1  n_max 3     auto   tokens/s of all together; texts the same")
    for clients in CLIENTS:
        print(f"{clients:7}", *[f"{statistics.median(speeds[clients, n]):8.0f}" for n in (0, 1, 3, "auto")])
    print(f"accepted at n_max 3: {statistics.mean(accepted.values()):.2f}")


main()
