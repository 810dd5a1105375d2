#!/usr/bin/env python3
"""The server asked by the official client of OpenAI's interface. openai_client.py PROGRAM MODEL
Exit status 77 where the package is not installed."""
import json
import pathlib
import sys
import urllib.request

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


def streamed_logprobs(client):
    ask = dict(model="demo", messages=QUESTION, max_tokens=24, temperature=0, logprobs=True, top_logprobs=2)
    whole = client.chat.completions.create(**ask).choices[0]
    text, told = "", []
    for part in client.chat.completions.create(**ask, stream=True):
        text += part.choices[0].delta.content or ""
        if part.choices[0].logprobs:
            told += part.choices[0].logprobs.content
    assert text == whole.message.content and told == whole.logprobs.content and len(told) == 24
    assert b"".join(bytes(one.bytes) for one in told).decode(errors="ignore").startswith(text)

    ask = dict(model="demo", prompt="And it came to pass", max_tokens=12, temperature=0, logprobs=2)
    whole = client.completions.create(**ask).choices[0].logprobs
    tokens, numbers, offsets = [], [], []
    for part in client.completions.create(**ask, stream=True):
        if part.choices[0].logprobs:
            tokens += part.choices[0].logprobs.tokens
            numbers += part.choices[0].logprobs.token_logprobs
            offsets += part.choices[0].logprobs.text_offset
    assert (tokens, numbers, offsets) == (whole.tokens, whole.token_logprobs, whole.text_offset)
    error = refused(openai.BadRequestError, lambda: client.completions.create(**ask, echo=True))
    assert error.param == "logprobs"


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


def errors(client):
    ask = dict(model="demo", messages=QUESTION, max_tokens=4)
    error = refused(openai.BadRequestError, lambda: client.chat.completions.create(**ask, temperature=9))
    assert error.param == "temperature" and error.type == "invalid_request_error"
    error = refused(openai.BadRequestError, lambda: client.chat.completions.create(model="demo", messages=[]))
    assert error.param == "messages"
    refused(openai.NotFoundError, lambda: client.models.retrieve("other"))
    wrong = openai.OpenAI(base_url=client.base_url, api_key="wrong", max_retries=0)
    refused(openai.AuthenticationError, lambda: wrong.models.list())


TEMPLATES = pathlib.Path(__file__).parent / "templates"
FIND = {"type": "function", "function": {"name": "find", "description": "Finds a word.", "parameters": {
    "type": "object", "required": ["word", "count"],
    "properties": {"word": {"type": "string", "maxLength": 12},
                   "count": {"type": "integer", "minimum": 1, "maximum": 99}}}}}
NOW = {"type": "function", "function": {"name": "now", "description": "Tells the time."}}


def template_text(client, **body):
    """What the server itself makes of a conversation."""
    base = str(client.base_url).removesuffix("v1/")
    key = {"Authorization": "Bearer secret"}
    request = urllib.request.Request(base + "apply-template", json.dumps(body).encode(), key)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["prompt"]


def calls_of(stream):
    """The calls, thought and text of a streamed answer, and why it ended."""
    calls, thought, text, reason = {}, "", "", None
    for part in stream:
        choice = part.choices[0]
        thought += getattr(choice.delta, "reasoning_content", None) or ""
        text += choice.delta.content or ""
        reason = choice.finish_reason or reason
        for call in choice.delta.tool_calls or []:
            known = calls.setdefault(call.index, {"id": call.id, "name": "", "arguments": ""})
            known["name"] += call.function.name or ""
            known["arguments"] += call.function.arguments or ""
    return [calls[i] for i in sorted(calls)], thought, text, reason


def tools(client, extra):
    ask = dict(model="demo", messages=QUESTION, max_tokens=200, temperature=0.7, seed=5, tools=[FIND, NOW],
               tool_choice={"type": "function", "function": {"name": "find"}}, extra_body=extra)
    whole = client.chat.completions.create(**ask)
    choice = whole.choices[0]
    assert choice.finish_reason == "tool_calls" and choice.message.content is None
    assert len(choice.message.tool_calls) == 1
    call = choice.message.tool_calls[0]
    arguments = json.loads(call.function.arguments)
    assert call.type == "function" and call.id and call.function.name == "find"
    assert set(arguments) == {"word", "count"} and len(arguments["word"]) <= 12 and 1 <= arguments["count"] <= 99
    calls, _, text, reason = calls_of(client.chat.completions.create(**ask, stream=True))
    assert reason == "tool_calls" and text == "" and len(calls) == 1 and calls[0]["id"] and calls[0]["id"] != call.id
    assert (calls[0]["name"], calls[0]["arguments"]) == ("find", call.function.arguments)
    plain = client.chat.completions.create(**ask | {"extra_body": extra | {"speculative": {"n_max": 0}}})
    assert plain.choices[0].message.tool_calls[0].function == call.function and plain.timings["draft_n"] == 0

    # The call, what the function returned, and the next reply.
    answered = QUESTION + [choice.message.model_dump(exclude_none=True),
                           {"role": "tool", "tool_call_id": call.id, "content": "found at 7"}]
    before = template_text(client, messages=QUESTION, tools=[FIND, NOW], **extra)
    told = template_text(client, messages=answered, tools=[FIND, NOW], **extra)
    history = before.removesuffix("<think>\n\n</think>\n\n")
    assert told.startswith(history) and json.dumps(FIND["function"]["parameters"]) in before
    added = told.removeprefix(history)
    for words in ("find", arguments["word"], str(arguments["count"]), "<tool_response>\nfound at 7\n</tool_response>"):
        assert words in added, added
    reply = client.chat.completions.create(model="demo", messages=answered, tools=[FIND, NOW], max_tokens=8,
                                           extra_body=extra)
    again = client.completions.create(model="demo", prompt=told, max_tokens=1)
    assert reply.choices[0].message.role == "assistant" and reply.usage.prompt_tokens == again.usage.prompt_tokens

    one = dict(tools=[NOW], tool_choice="required", parallel_tool_calls=False)
    choice = client.chat.completions.create(**ask | one).choices[0]
    assert [c.function.name for c in choice.message.tool_calls] == ["now"] and choice.finish_reason == "tool_calls"
    choice = client.chat.completions.create(**ask | dict(tool_choice="none", max_tokens=8)).choices[0]
    assert choice.message.tool_calls is None
    error = refused(openai.BadRequestError, lambda: client.chat.completions.create(**ask | dict(tool_choice="perhaps")))
    assert error.param == "tool_choice"


def calls_as_json(client):
    tools(client, {})


def calls_in_marks(client):
    tools(client, {"chat_template_kwargs": {"enable_thinking": False}})


def reasoning(client):
    budget = 10
    ask = dict(model="demo", messages=QUESTION, max_tokens=40, temperature=0, extra_body={"reasoning_budget": budget})
    assert template_text(client, messages=QUESTION).endswith("<think>\n")
    message = client.chat.completions.create(**ask).choices[0].message
    assert message.reasoning_content and message.content and "think>" not in message.content + message.reasoning_content
    _, thought, text, reason = calls_of(client.chat.completions.create(**ask, stream=True))
    assert (thought, text, reason) == (message.reasoning_content, message.content, "length")
    left = {"reasoning_budget": budget, "reasoning_format": "none"}
    mixed = client.chat.completions.create(**ask | {"extra_body": left})
    assert mixed.choices[0].message.content.startswith(thought + "</think>")
    longer = client.chat.completions.create(**ask | {"extra_body": {"reasoning_budget": 2 * budget}}).choices[0].message
    assert longer.reasoning_content.startswith(thought) and longer.reasoning_content != thought
    endless = client.chat.completions.create(**ask | {"extra_body": {}}).choices[0].message
    assert endless.content == "" and endless.reasoning_content.startswith(longer.reasoning_content)
    off = client.chat.completions.create(**ask | {"extra_body": {"chat_template_kwargs": {"enable_thinking": False}}})
    assert getattr(off.choices[0].message, "reasoning_content", None) is None and off.choices[0].message.content

    # A thought, and a call behind it; and what was thought may come back with the history.
    one = dict(max_tokens=120, tools=[NOW], tool_choice="required", parallel_tool_calls=False)
    choice = client.chat.completions.create(**ask | one).choices[0]
    assert choice.message.reasoning_content and choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls[0].function.name == "now"
    history = QUESTION + [message.model_dump(exclude_none=True)] + QUESTION
    bare = [{k: v for k, v in m.items() if k != "reasoning_content"} for m in history]
    assert history[1]["reasoning_content"]
    assert template_text(client, messages=history) == template_text(client, messages=bare)
    again = client.chat.completions.create(model="demo", messages=history, max_tokens=4)
    assert again.choices[0].finish_reason == "length"


def main():
    program, model = sys.argv[1:3]
    options = ["--name", "demo", "--slots", "4", "--api-key", "secret", "-c", "1024", "--n-max", "3"]
    checks = {None: (conversations, stops_and_logprobs, streamed_logprobs, json_schema, completions, embeddings, models,
                     errors),
              "json": (calls_as_json,), "marks": (calls_in_marks, reasoning)}
    for form, those in checks.items():
        template = ["--chat-template", str(TEMPLATES / f"{form}.jinja")] if form else []
        with Server(program, model, *options, *template) as server:
            base = f"http://{server.host}:{server.port}/v1"
            client = openai.OpenAI(base_url=base, api_key="secret", max_retries=0, timeout=120)
            for check in those:
                check(client)
                print(check.__name__, "as expected", flush=True)


main()
