#!/usr/bin/env bash
# The server asked by curl: statuses, limits, who may come in, how it ends. curl.sh PROGRAM MODEL; 77 without curl.
set -u
command -v curl >/dev/null || { echo "SKIPPED: curl is not installed"; exit 77; }
problems=0
said=$(mktemp)
OMP_WAIT_POLICY=passive "$1" serve -m "$2" --port 0 --slots 2 -c 512 --api-key one --api-key two --cors https://example.org \
    --body 0.05 2>"$said" &
server=$!
trap 'kill $server 2>/dev/null; rm -f "$said"' EXIT
for _ in $(seq 600); do
    port=$(sed -nE 's#^listening on http://127\.0\.0\.1:([0-9]+)$#\1#p' "$said")
    [ -n "$port" ] && break
    kill -0 $server 2>/dev/null || { cat "$said"; exit 1; }
    sleep 0.1
done
base=http://127.0.0.1:$port
key="Authorization: Bearer two"

# expect STATUS TEXT CURL-ARGUMENTS...: the status, and a text somewhere in headers or body
expect() {
    local status=$1 text=$2 answer
    shift 2
    answer=$(curl -sS -i --max-time 60 "$@" 2>&1)
    if ! grep -qE "^HTTP/1.1 $status" <<<"$answer" || ! grep -qF -e "$text" <<<"$answer"; then
        echo "curl $*: expected $status and '$text' in:"
        echo "$answer"
        problems=$((problems + 1))
    fi
}
question='{"messages":[{"role":"user","content":"Who?"}],"max_tokens":8,"temperature":0}'
expect 200 '"status":"ok"' "$base/health"
expect 401 invalid_api_key "$base/v1/models"
expect 401 invalid_api_key -H "Authorization: Bearer on" "$base/v1/models"
expect 401 invalid_api_key -d "$question" "$base/v1/chat/completions"
expect 200 '"object":"list"' -H "$key" "$base/v1/models"
expect 200 '"object":"list"' -H "X-Api-Key: one" "$base/v1/models"
expect 200 '"finish_reason":"length"' -H "$key" -d "$question" "$base/v1/chat/completions"
expect 200 'data: [DONE]' -N -H "$key" -d "${question%\}},\"stream\":true}" "$base/v1/chat/completions"
expect 200 'Access-Control-Allow-Origin: https://example.org' "$base/health"
expect 204 'Access-Control-Allow-Headers: Authorization' -X OPTIONS "$base/v1/chat/completions"
expect 400 'is not JSON' -H "$key" -d '{' "$base/v1/chat/completions"
expect 400 '"param":"temperature"' -H "$key" -d '{"messages":[{"role":"user","content":"x"}],"temperature":-1}' "$base/v1/chat/completions"
expect 404 not_found -H "$key" "$base/v1/nothing"
expect 404 not_found -H "$key" "$base/$(printf 'x%.0s' $(seq 1000))"
expect 414 'too long' -H "$key" "$base/$(printf 'x%.0s' $(seq 4000))"
expect 405 method_not_allowed -H "$key" -X DELETE "$base/v1/models"
expect 405 method_not_allowed -H "$key" "$base/v1/chat/completions"
long=$(printf 'x%.0s' $(seq 20000))  # curl says that it is a form, of which some servers take 8 KiB
expect 200 '"finish_reason":"length"' -H "$key" -d "{\"user\":\"$long\",${question#\{}" "$base/v1/chat/completions"
expect 403 'pages of this origin' -H "$key" -H 'Origin: https://elsewhere.org' "$base/v1/models"
expect 200 '"object":"list"' -H "$key" -H 'Origin: https://example.org' "$base/v1/models"
deep=$(printf '[%.0s' $(seq 20000))
expect 400 'not too deep' -H "$key" -d "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":$deep\"}}]}]}" "$base/v1/chat/completions"
expect 400 'Connection: close' -H "$key" -H 'Range: bytes=0-1' "$base/v1/models"
head -c 100000 /dev/zero | tr '\0' ' ' >"$said.body"
expect 413 too_large -H "$key" -H 'Expect:' --data-binary "@$said.body" "$base/v1/chat/completions"
expect 415 Content-Encoding -H "$key" -H 'Content-Encoding: gzip' -d "$question" "$base/v1/chat/completions"
head -c 2000000 /dev/zero | tr '\0' ' ' >"$said.body"  # no length is told, and none allowed
curl -sS -o /dev/null --max-time 20 -H "$key" -H 'Transfer-Encoding: chunked' --data-binary "@$said.body" "$base/v1/chat/completions" 2>/dev/null
expect 200 '"status":"ok"' "$base/health"
rm -f "$said.body"

kill -TERM $server
for _ in $(seq 100); do
    kill -0 $server 2>/dev/null || break
    sleep 0.1
done
if kill -0 $server 2>/dev/null; then
    echo "the server did not end when it was told to"
    problems=$((problems + 1))
elif ! wait $server; then
    echo "the server ended with an error"
    cat "$said"
    problems=$((problems + 1))
fi
[ "$problems" = 0 ] && echo "curl: every answer is as expected"
exit $((problems > 0))
