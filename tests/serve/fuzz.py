#!/usr/bin/env python3
"""Requests of nonsense: every field of every endpoint with values of all kinds. fuzz.py PROGRAM MODEL [--requests N] [--seed S]

Whatever is asked, the answer is one or says what is wrong (status 4xx with an error object), in time; afterwards the
server answers a good request as before, and no slot is taken."""
import argparse
import collections
import http.client
import json
import random

from server import Server

DRAFTS = ["speculative", "speculative.n_max", "speculative.n_min", "speculative.p_min", "speculative.type"]
SAMPLING = ["temperature", "top_p", "top_k", "min_p", "typical_p", "presence_penalty", "frequency_penalty", "repeat_penalty",
            "dry_multiplier", "dry_sequence_breakers", "mirostat", "mirostat_tau", "logit_bias", "seed", "stop", "stream",
            "grammar", "json_schema", "ignore_eos", "reasoning_budget", *DRAFTS]
ENDPOINTS = {  # a good request, and the names of its other fields
    "/v1/chat/completions": ({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 3},
                             ["model", "stream_options", "n", "logprobs", "top_logprobs", "response_format", "tools",
                              "tool_choice", "parallel_tool_calls", "chat_template_kwargs", "user", *SAMPLING]),
    "/v1/completions": ({"prompt": "hi", "max_tokens": 3}, ["n", "logprobs", "echo", "suffix", "best_of", *SAMPLING]),
    "/completion": ({"prompt": "hi", "n_predict": 3}, ["n_probs", "id_slot", "cache_prompt", "return_tokens", *SAMPLING]),
    "/v1/embeddings": ({"input": "hi"}, ["encoding_format", "dimensions", "model"]),
    "/tokenize": ({"content": "hi"}, ["add_special", "with_pieces"]),
    "/detokenize": ({"tokens": [1, 2]}, []),
    "/apply-template": ({"messages": [{"role": "user", "content": "hi"}]}, ["tools"]),
}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
VALUES = [None, True, False, 0, 1, -1, 2**31, 2**63, -2**63, 10**30, 1e308, -0.0, 0.5, "", "a", "auto", "none", "required",
          "\u0000", "\ud83d\ude00", "x" * 1000, [], {}, [1, 2, 3], ["a", "b"], [[]], {"type": "json_object"}, SCHEMA,
          {"type": "function", "function": {"name": "f", "parameters": {}}}, [{"type": "function", "function": {"name": "f"}}],
          [{"role": "user", "content": "hi"}], [{"role": "assistant", "tool_calls": []}],
          [{"role": "user", "content": [{"type": "text", "text": "q"}]}], {"n_max": "auto"},
          {"n_max": 3, "p_min": 0.5, "type": "mtp"}, {"1": 5}, {"99999999": 1}, [[5, -1.0]], 'root ::= "a" | root "b"',
          "root ::= [a-z]+", {"type": "array", "items": {"$ref": "#/x"}}]


def value(dice, depth=0):
    kind = dice.random()
    if kind < 0.85 or depth > 3:
        return dice.choice(VALUES)
    if kind < 0.93:
        return [value(dice, depth + 1) for _ in range(dice.randint(0, 4))]
    return {dice.choice(["type", "role", "content", "name", "function", "n_max"]): value(dice, depth + 1)
            for _ in range(dice.randint(0, 4))}


def nonsense(dice):
    path = dice.choice(list(ENDPOINTS))
    good, others = ENDPOINTS[path]
    body = dict(good)
    for _ in range(dice.randint(0, 3)):
        body[dice.choice(list(good) + others)] = value(dice)
    for limit in ("max_tokens", "n_predict"):
        if limit in good:
            body[limit] = body[limit] if body[limit] in (0, -3, "a") else 3  # answers are short, or refused
    text = json.dumps(body)
    return path, text[:dice.randint(0, len(text))] if dice.random() < 0.05 else text


def ask(server, path, text):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    try:
        connection.request("POST", path, text, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def main():
    words = argparse.ArgumentParser()
    words.add_argument("program")
    words.add_argument("model")
    words.add_argument("--requests", type=int, default=3000)
    words.add_argument("--seed", type=int, default=1)
    o = words.parse_args()
    dice = random.Random(o.seed)
    counts = collections.Counter()
    with Server(o.program, o.model, "--slots", "2") as server:
        good = ("/completion", json.dumps({"prompt": "Once upon", "n_predict": 16, "temperature": 0}))
        expected = json.loads(ask(server, *good)[1])["content"]
        for _ in range(o.requests):
            path, text = nonsense(dice)
            status, said = ask(server, path, text)
            counts[status] += 1
            assert status == 200 or 400 <= status < 500, (path, text[:500], status, said[:500])
            assert status == 200 or b'"error"' in said, (path, text[:500], status, said[:500])
        assert json.loads(ask(server, *good)[1])["content"] == expected
        connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
        connection.request("GET", "/slots")
        assert not any(slot["is_processing"] for slot in json.loads(connection.getresponse().read()))
        connection.close()
    print(f"{o.requests} requests of nonsense, seed {o.seed}: " +
          ", ".join(f"{n} with status {status}" for status, n in sorted(counts.items())))


main()
