#!/usr/bin/env python3
"""The server asked by the official client of OpenAI's interface. openai_client.py PROGRAM MODEL
Exit status 77 where the package is not installed."""
import json
import sys

try:
    import openai
except ImportError:
    print("SKIPPED: the Python package 'openai' is not installed")
    sys.exit(77)

from server import Server

QUESTION = [{"role": "user", "content": "Who is Isabella?"}]


def refused(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was expected")


def conversations(client):
    ask = dict(model="demo", messages=QUESTION, max_tokens=24, temperature=0)
    whole = client.chat.completions.create(**ask)
    choice = whole.choices[0]
    assert choice.message.role == "assistant" and choice.message.content and choice.finish_reason == "length"
    assert whole.usage.completion_tokens == 24 and whole.usage.prompt_tokens_details.cached_tokens is not None
    assert whole.timings["predicted_n"] == 24
    text, usage, reason = "", None, None
    for part in client.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}):
        usage = part.usage or usage
        for choice_part in part.choices:
            text += choice_part.delta.content or ""
            reason = choice_part.finish_reason or reason
    assert text == choice.message.content and reason == "length"
    assert usage.completion_tokens == 24 and usage.prompt_tokens == whole.usage.prompt_tokens

    plain = client.chat.completions.create(**ask, extra_body={"speculative": {"n_max": 0}})
    assert plain.choices[0].message.content == text and plain.timings["draft_n"] == 0
    two = client.chat.completions.create(model="demo", messages=QUESTION, max_tokens=16, n=2, seed=3, temperature=0.9)
    again = client.chat.completions.create(model="demo", messages=QUESTION, max_tokens=16, n=2, seed=3, temperature=0.9)
    assert [c.message.content for c in two.choices] == [c.message.content for c in again.choices]
    assert [c.index for c in two.choices] == [0, 1]


def stops_and_logprobs(client):
    ask = dict(model="demo", messages=QUESTION, max_tokens=24, temperature=0)
    text = client.chat.completions.create(**ask).choices[0].message.content
    stop = text[10:14]
    cut = client.chat.completions.create(**ask, stop=[stop], logprobs=True, top_logprobs=3).choices[0]
    assert cut.message.content == text[: text.index(stop)] and cut.finish_reason == "stop"
    assert all(len(one.top_logprobs) == 3 and one.logprob <= 0 for one in cut.logprobs.content)
    banned = cut.logprobs.content[0]
    token = banned.id
    other = client.chat.completions.create(**ask, logit_bias={str(token): -100}).choices[0]
    assert not other.message.content.startswith(banned.token)


def json_schema(client):
    schema = {"type": "object", "properties": {"yes": {"type": "boolean"}, "count": {"type": "integer"}},
              "required": ["yes", "count"], "additionalProperties": False}
    answer = client.chat.completions.create(model="demo", messages=QUESTION, max_tokens=64, seed=1, response_format={
        "type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}).choices[0]
    value = json.loads(answer.message.content)
    assert answer.finish_reason == "stop" and set(value) == {"yes", "count"} and isinstance(value["yes"], bool)


def completions(client):
    whole = client.completions.create(model="demo", prompt="And it came to pass", max_tokens=12, temperature=0, logprobs=2)
    assert len(whole.choices[0].logprobs.tokens) == 12
    text = "".join(part.choices[0].text for part in client.completions.create(
        model="demo", prompt="And it came to pass", max_tokens=12, temperature=0, stream=True))
    assert text == whole.choices[0].text
    several = client.completions.create(model="demo", prompt=["And it came to pass", "def main"], max_tokens=12, temperature=0)
    assert len(several.choices) == 2 and several.choices[0].text == text


def embeddings(client):
    rows = client.embeddings.create(model="demo", input=["a king", "a queen"]).data
    plain = client.embeddings.create(model="demo", input="a queen", encoding_format="float").data[0].embedding
    assert len(rows) == 2 and max(abs(a - b) for a, b in zip(rows[1].embedding, plain)) < 1e-6
    assert abs(sum(x * x for x in plain) - 1) < 1e-4


def models(client):
    listed = client.models.list().data
    assert [m.id for m in listed] == ["demo"] and client.models.retrieve("demo").id == "demo"


def errors(client, base):
    ask = dict(model="demo", messages=QUESTION, max_tokens=4)
    error = refused(openai.BadRequestError, lambda: client.chat.completions.create(**ask, temperature=9))
    assert error.param == "temperature" and error.type == "invalid_request_error"
    error = refused(openai.BadRequestError, lambda: client.chat.completions.create(model="demo", messages=[]))
    assert error.param == "messages"
    refused(openai.NotFoundError, lambda: client.models.retrieve("other"))
    wrong = openai.OpenAI(base_url=base, api_key="wrong", max_retries=0)
    refused(openai.AuthenticationError, lambda: wrong.models.list())


def main():
    program, model = sys.argv[1:3]
    options = ["--name", "demo", "--slots", "4", "--api-key", "secret", "-c", "512", "--n-max", "3"]
    with Server(program, model, *options) as server:
        base = f"http://{server.host}:{server.port}/v1"
        client = openai.OpenAI(base_url=base, api_key="secret", max_retries=0, timeout=120)
        for check in (conversations, stops_and_logprobs, json_schema, completions, embeddings, models):
            check(client)
            print(check.__name__, "as expected", flush=True)
        errors(client, base)
        print("errors as expected")


main()
