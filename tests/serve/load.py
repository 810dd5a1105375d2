#!/usr/bin/env python3
"""Many clients at once, some of whom leave in the middle. load.py PROGRAM MODEL [--minutes M] [--clients N]

No text may be wrong: each greedy answer, with drafts of any length, equals the one that its prompt got alone and without, and
what a client got before it left is the beginning of that. Afterwards no slot is taken, and the memory is what it was."""
import argparse
import collections
import http.client
import json
import random
import sys
import threading
import time

from server import Server

WORDS = "king war book house river letter sister prince exception module string morning church stone evening".split()


def prompt_of(number):
    dice = random.Random(number)
    return "Tell me of the " + " and the ".join(dice.choice(WORDS) for _ in range(dice.randint(1, 24))) + "."


def ask(server, prompt, tokens, stream, leave_after=None, n_max=0):
    """The text, and whether it is whole; leaves after so many pieces, or seconds of a whole answer."""
    body = {"messages": [{"role": "user", "content": prompt}], "max_tokens": tokens, "temperature": 0, "stream": stream,
            "speculative": {"n_max": n_max}}
    connection = http.client.HTTPConnection(server.host, server.port, timeout=120)
    try:
        if not stream and leave_after is not None:
            connection.timeout = 0.05 * leave_after + 0.01
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        if answer.status == 503:
            return None, False
        assert answer.status == 200, (answer.status, answer.read())
        if not stream:
            return json.loads(answer.read())["choices"][0]["message"]["content"], True
        text, pieces = "", 0
        for line in answer:
            if not line.startswith(b"data: "):
                continue
            if line.strip() == b"data: [DONE]":
                return text, True
            event = json.loads(line[6:])
            assert "error" not in event, event
            text += event["choices"][0]["delta"].get("content", "") if event["choices"] else ""
            pieces += 1
            if leave_after is not None and pieces > leave_after:
                return text, False
        raise AssertionError("the stream ended without [DONE]")
    except TimeoutError:
        return "", False
    finally:
        connection.close()


class Load:
    def __init__(self, server, prompts, tokens):
        self.server, self.tokens = server, tokens
        self.counts = collections.Counter()
        self.wrong = []
        self.lock = threading.Lock()
        self.expected = {}
        for number in range(prompts):  # alone, one after the other
            for length in (tokens, tokens // 2):
                text, whole = ask(server, prompt_of(number), length, stream=False)
                assert whole and text
                self.expected[number, length] = text

    def client(self, seed, until):
        dice = random.Random(seed)
        while time.monotonic() < until:
            number = dice.randrange(len(self.expected) // 2)
            leave = dice.randint(0, 8) if dice.random() < 0.3 else None
            tokens = dice.choice([self.tokens, self.tokens, self.tokens // 2])
            stream = dice.random() < 0.7
            try:
                n_max = dice.choice([0, 1, 3, "auto"])  # drafts change no text
                text, whole = ask(self.server, prompt_of(number), tokens, stream, leave, n_max)
            except Exception as error:  # anything is a finding
                with self.lock:
                    self.wrong.append(f"prompt {number}: {type(error).__name__}: {error}")
                continue
            with self.lock:
                if text is None:
                    self.counts["refused"] += 1
                else:
                    self.counts["whole" if whole else "left"] += 1
                    right = self.expected[number, tokens]
                    if not (text == right if whole else right.startswith(text)):
                        self.wrong.append(f"prompt {number}: {text!r} where {right!r} is expected")
            if text is None:
                time.sleep(0.1)

    def run(self, clients, seconds, seed):
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=self.client, args=(seed * 1000 + i, until)) for i in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def get(server, path):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    assert answer.status == 200, (path, answer.status, body)
    return body


def settle(server):
    """All slots free within a few seconds."""
    for _ in range(100):
        if json.loads(get(server, "/health"))["running"] == 0:
            return [slot for slot in json.loads(get(server, "/slots")) if slot["is_processing"]]
        time.sleep(0.1)
    return json.loads(get(server, "/slots"))


def main():
    words = argparse.ArgumentParser()
    words.add_argument("program")
    words.add_argument("model")
    words.add_argument("--minutes", type=float, default=0.1)
    words.add_argument("--clients", type=int, default=64)
    words.add_argument("--slots", type=int, default=8)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--n-max", default="auto:3")
    given = words.parse_args()
    options = ["--slots", str(given.slots), "--waiting", "256", "-c", "512", "--n-max", given.n_max, "--cache-memory", "0.016"]
    with Server(given.program, given.model, *options) as server:
        load = Load(server, prompts=12, tokens=24)
        phases = max(2, int(given.minutes))
        resident = []
        for phase in range(phases):
            load.run(given.clients, 60 * given.minutes / phases, given.seed + phase)
            stuck = settle(server)
            resident.append(server.resident_kib())
            print(f"phase {phase + 1} of {phases}: {dict(load.counts)}, {len(load.wrong)} wrong, "
                  f"{len(stuck)} slots stuck, {resident[-1] / 1024:.1f} MiB resident", flush=True)
            if stuck or load.wrong:
                print("\n".join(load.wrong[:5]), stuck)
                sys.exit(1)
        assert load.counts["whole"] > given.clients / 2, load.counts
        # What threads and the cache take is there after the first phase; from then on nothing may grow.
        grown = resident[-1] - resident[0]
        if grown > 8192 + 0.05 * resident[0]:
            sys.exit(f"memory grew by {grown / 1024:.1f} MiB: {resident}")
        for name in ("requests_total", "engine_faults_total", "spec_decode_num_accepted_tokens_total"):
            print(*[line for line in get(server, "/metrics").splitlines() if line.startswith("rewind:" + name)], sep="\n")


main()
