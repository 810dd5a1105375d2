#!/usr/bin/env bash
# What the program answers on the command line: exit status and words. cli.sh PROGRAM
set -u
program=$1
problems=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

expect() { # expect STATUS TEXT ARGUMENT...: exits with STATUS, says TEXT somewhere, is not killed
    local want=$1 text=$2 said status
    shift 2
    said=$("$program" "$@" 2>&1)
    status=$?
    if [ $status != "$want" ] || ! grep -qF -e "$text" <<<"$said"; then
        echo "rewind $*: expected status $want and '$text'; got status $status and:"
        echo "$said" | head -20
        problems=$((problems + 1))
    fi
}

expect 0 "Usage" --help
expect 2 "subcommand" ops
expect 2 "no verb 'nonsense'" nonsense
expect 2 "no verb 'nonsense'" ops nonsense
expect 0 "TAKEN" ops explain --op L2_NORM --backend cpu
expect 0 "passed, 0 failed" ops test L2_NORM --backend cpu
expect 0 "cpu:0" devices
expect 0 '"id": "cpu:0"' devices --json
expect 0 "GATED_DELTA_NET" ops list
expect 0 '"implementations"' ops list --json
expect 0 "auto|exact|prefill" ops list GATED_DELTA_NET
expect 0 '"most_dimensions"' ops list --json
expect 1 "no op 'NO_SUCH_OP'" ops list NO_SUCH_OP
expect 1 "have nothing to tune" ops tune GATED_DELTA_NET --backend cpu --case "S=16 T=2" --seconds 0
expect 0 "TAKEN" ops explain GATED_DELTA_NET --backend cpu --case "S=16 T=2 K=2"
expect 0 "TAKEN" ops explain GATED_DELTA_NET --backend cpu --case "S=128 H_k=16 H_v=32 T=200000 B=8"  # no memory needed
expect 1 "--impl cpu:none: no such implementation; there are: cpu:" ops explain GATED_DELTA_NET --backend cpu --impl cpu:none --case "S=16"
expect 1 "another implementation was asked for" ops explain MUL_MAT --backend cpu --impl cpu:onednn --case "K=64"
expect 1 "no op 'NO_SUCH_OP'" ops explain NO_SUCH_OP
expect 1 "nobody knows the word" ops explain GATED_DELTA_NET --backend cpu --case "S=16 typo=1"
expect 1 "H_v" ops explain GATED_DELTA_NET --backend cpu --case "S=16 H_k=2 H_v=3"
expect 1 "device 'abacus'" ops explain GATED_DELTA_NET --backend abacus
expect 1 "1 failed" ops test --op GATED_DELTA_NET --backend cpu --case "S=256 T=100000000000"
expect 2 "--impl cpu:nonesuch: no such implementation" ops test --op GATED_DELTA_NET --backend cpu --impl cpu:nonesuch
expect 2 "device 'vulcan'" ops test --op GATED_DELTA_NET --backend vulcan
expect 2 "--check nonesuch: no op has this check" ops test --op GATED_DELTA_NET --backend cpu --check nonesuch
expect 77 "0 passed, 0 failed" ops test --op GATED_DELTA_NET --backend cpu --check threads --case "S=16"
expect 0 "GB/s" ops bench --op GATED_DELTA_NET --backend cpu --case "S=16 T=2" --seconds 0 --json "$folder/b.json"
expect 1 "need --op" ops bench --case "S=16"
expect 1 "cannot be read" ops bench --op GATED_DELTA_NET --cases "$folder/absent"
expect 1 "it is a folder" ops bench --op L2_NORM --backend cpu --cases "$folder"
expect 1 "--case: is empty" ops bench --op L2_NORM --backend cpu --case ""
expect 1 "no op 'L2'" ops bench --op L2 --backend cpu
expect 1 "device 'abacus'" ops bench --op L2_NORM --backend abacus --case "ne=4"
expect 1 "no tier 'bogus'" ops bench --op L2_NORM --backend cpu --tier bogus
expect 1 "--impl cpu:none: no such implementation" ops bench --op GATED_DELTA_NET --backend cpu --impl cpu:none --case "S=16" --seconds 0
expect 0 "note: MUL_MAT on cpu:0: cpu:onednn: " ops bench --op MUL_MAT --backend cpu --impl cpu:onednn --case "K=64" --seconds 0
expect 1 "q: dimension 2 has -1 elements" ops bench --op GATED_DELTA_NET --backend cpu --case "S=16 T=-1" --seconds 0
expect 1 "MiB of memory" ops bench --op GATED_DELTA_NET --backend cpu --case "S=16 B=1000000000 T=1000000000" --seconds 0
# The conformance driver: 2 for words that make no sense, 1 for a case that fails.
expect 0 "passed, 0 failed" ops test --op L2_NORM --backend cpu
expect 2 "no op 'L2'" ops test --op L2
expect 2 "this build has the backends" ops test --op L2_NORM --backend abacus
expect 2 "there is only cpu:0" ops test --op L2_NORM --backend cpu:9
expect 2 "--impl cpu:none: no such implementation; there are: cpu:" ops test --op L2_NORM --backend cpu --impl cpu:none
expect 2 "no tier 'bogus'" ops test --op L2_NORM --backend cpu --tier bogus
expect 2 "--check bogus: no op has this check" ops test --op L2_NORM --backend cpu --check bogus
expect 2 "$folder/absent: cannot be read" ops test --op L2_NORM --backend cpu --cases "$folder/absent"
expect 2 "it is a folder" ops test --op L2_NORM --backend cpu --cases "$folder"
printf '# nothing\n' >"$folder/empty"
expect 2 "there are no cases to run" ops test --op L2_NORM --backend cpu --cases "$folder/empty"
expect 1 "--case: is empty" ops test --op L2_NORM --backend cpu --case " "
expect 2 "'{' without '}'" ops test --op GATED_DELTA_NET --backend cpu --case "S={16,"
expect 2 "expected a whole number, 0 or more; got first" ops test --seed first
expect 2 "expected a whole number, 0 or more; got -3" ops test --seed=-3
expect 2 "expected a number, 0 or more; got -1" ops test --seconds=-1
expect 2 "not in range" ops bench --op L2_NORM --seconds=-1
expect 1 "T is given twice" ops test --op GATED_DELTA_NET --backend cpu --case "T=4 T=5"
expect 1 "'S' is not key=value" ops test --op GATED_DELTA_NET --backend cpu --case "S"
expect 1 "S=abc is not a number" ops test --op GATED_DELTA_NET --backend cpu --case "S=abc"
expect 1 "T has to be a whole number" ops test --op GATED_DELTA_NET --backend cpu --case "T=1e30"
expect 1 "q: dimension 2 has -1 elements; at least 1 is needed" ops test --op GATED_DELTA_NET --backend cpu --case "T=-1"
expect 1 "MiB of memory" ops test --op GATED_DELTA_NET --backend cpu --case "S=16 B=1000000000 T=1000000000"
expect 1 "cannot be written" ops bench --op GATED_DELTA_NET --backend cpu --case "S=16" --seconds 0 --json "$folder/no/b.json"
expect 2 "required" ops eval GATED_DELTA_NET --backend cpu --out "$folder"
expect 1 "q: $folder/absent.npy: no such file" ops eval GATED_DELTA_NET --backend cpu --in "q=$folder/absent.npy" --out "$folder"
expect 1 "expected name=file.npy" ops eval GATED_DELTA_NET --backend cpu --in "q" --out "$folder"
printf 'not numpy' >"$folder/bad.npy"
expect 1 "q: $folder/bad.npy: it is not an .npy file" ops eval GATED_DELTA_NET --backend cpu --in "q=$folder/bad.npy" --out "$folder"
expect 1 "q: $folder: it is a folder" ops eval GATED_DELTA_NET --backend cpu --in "q=$folder" --out "$folder"
grep -q '"copy_share"' "$folder/b.json" || { echo "the JSON of ops bench has no copy_share"; problems=$((problems + 1)); }

# One op on one file, end to end: the rows of (3, 4) / their lengths.
printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 2), }" >"$folder/x.npy"
printf '\x00\x00\x40\x40\x00\x00\x80\x40' >>"$folder/x.npy"
expect 0 "out.npy  (1, 1, 1, 2) float32 (<f4)" ops eval L2_NORM --backend cpu --in "x=$folder/x.npy" --out "$folder/out/deep"
expect 0 "reference" ops eval L2_NORM --backend reference --in "x=$folder/x.npy" --out "$folder/ref"
[ "$(tail -c 8 "$folder/ref/out.npy" | od -An -tx1 | tr -d ' ')" = 9a99193fcdcc4c3f ] ||  # 0.6, 0.8
    { echo "the reference's L2_NORM of (3, 4) is not (0.6, 0.8)"; problems=$((problems + 1)); }
head -c 132 "$folder/x.npy" >"$folder/cut.npy"
expect 1 "x: $folder/cut.npy: its shape (1, 1, 1, 2) of float32 (<f4) needs 8 bytes after the header, the file has 4 (truncated)" \
    ops eval L2_NORM --backend cpu --in "x=$folder/cut.npy" --out "$folder"
sed 's/<f4/>f4/' "$folder/x.npy" >"$folder/big.npy"
expect 1 "x: $folder/big.npy: it is big-endian (>f4); expected little-endian" ops eval L2_NORM --backend cpu --in "x=$folder/big.npy" --out "$folder"
sed 's/False,/True, /' "$folder/x.npy" >"$folder/fortran.npy"
expect 1 "x: $folder/fortran.npy: it is in Fortran order" ops eval L2_NORM --backend cpu --in "x=$folder/fortran.npy" --out "$folder"
sed 's/<f4/<i4/' "$folder/x.npy" >"$folder/whole.npy"
expect 1 "x: expected float32 (<f4), got int32 (<i4)" ops eval L2_NORM --backend cpu --in "x=$folder/whole.npy" --out "$folder"
expect 1 "no op 'L2'" ops eval L2 --backend cpu --in "x=$folder/x.npy" --out "$folder"
expect 1 "device 'abacus'" ops eval L2_NORM --backend abacus --in "x=$folder/x.npy" --out "$folder"
expect 1 "no implementation 'cpu:none'" ops eval L2_NORM --backend cpu --impl cpu:none --in "x=$folder/x.npy" --out "$folder"
expect 1 "x: given twice" ops eval L2_NORM --backend cpu --in "x=$folder/x.npy" "x=$folder/x.npy" --out "$folder"
expect 1 "cannot be made" ops eval L2_NORM --backend cpu --in "x=$folder/x.npy" --out "$folder/x.npy/under"

# What cannot be said is not passed over in silence.
said=$("$program" devices 2>&1 >/dev/full) && { echo "a full output went unnoticed"; problems=$((problems + 1)); }
grep -qF "could not be written" <<<"$said" || { echo "a full output: said '$said'"; problems=$((problems + 1)); }

# Model files and their vocabularies, where the runtime is built.
if "$program" gguf --help >/dev/null 2>&1; then
    m=$folder/m.gguf
    expect 0 "71 tensors" gguf make --layers 4 -o "$m"
    expect 0 "good: qwen35, 4 blocks and an MTP block" gguf check "$m"
    demo=$(dirname "$0")/../../models/rewind-demo-q8_0.gguf
    [ "$("$program" gguf check "$demo" | wc -l)" = 1 ] ||
        { echo "gguf check has more than a line on the demo model"; problems=$((problems + 1)); }
    LC_ALL=C sed 's/<|im_start|>assistant/<|im_start|>narrator_/' "$demo" >"$folder/narrator.gguf"
    expect 0 "note: plain text can be run, messages cannot: chat template" gguf check "$folder/narrator.gguf"
    expect 0 "qwen35.ssm.state_size" gguf inspect "$m"
    expect 1 "not a GGUF file" gguf check "$folder/bad.npy"
    expect 0 "104,105" tokenize -m "$m" -p hi
    expect 0 "510" tokenize -m "$m" -p "<|im_start|>" --special
    expect 0 '"pieces":["h","i"]' tokenize -m "$m" -p hi --json
    expect 1 "the model takes plain text only" tokenize -m "$m" -p hi --chat
    expect 0 "hi!" detokenize -m "$m" -t "104, 105 33"
    expect 1 "'x2' is not a token" detokenize -m "$m" -t 1,x2
    expect 1 "no token before a comma" detokenize -m "$m" -t 1,,2
    expect 1 "no token behind the last comma" detokenize -m "$m" -t 1,2,
    expect 0 "hi" detokenize -m "$m" -t="[104, 105]"
    expect 1 "token 512: the vocabulary has 0 to 511" detokenize -m "$m" -t 512
    # What is asked of a model is refused before its weights are loaded, and before its memory is told.
    before_loading() { # before_loading TEXT ARGUMENT...
        expect 1 "$@"
        shift
        if "$program" "$@" 2>&1 | grep -qF "in all"; then
            echo "rewind $*: refused after loading"
            problems=$((problems + 1))
        fi
    }
    before_loading "n_min 5: no draft is longer than n_max, which is 3" run -m "$m" -p hi --n-min 5
    before_loading "top_p: a number above 0" run -m "$m" -p hi --top-p 0
    before_loading "no token before a comma" run -m "$m" -t 1,,2
    before_loading "token -1: the vocabulary has 0 to 511" run -m "$m" -t=-1
    before_loading "token 512: the vocabulary has 0 to 511" run -m "$m" -t 1,512
    before_loading "99999999999' is no vocabulary's token" run -m "$m" -t 99999999999
    before_loading "11 tokens, and a context of 10 positions; take --context 11 or more" run -m "$m" -p "hello world" -c 10
    before_loading "token 512: the vocabulary has 0 to 511" logits -m "$m" -t 512 --out "$folder/l.npy"
    before_loading "11 tokens, and a context of 10 positions" logits -m "$m" -p "hello world" -c 10 --out "$folder/l.npy"
    before_loading "a prompt of 512 tokens and rounds behind it take 527 or more" bench -m "$m" -c 512
    expect 1 "the weights alone are 1.2 MiB; nothing would fit" run -m "$m" -p hi --memory 0.0001
    before_loading "nowhere/l.npy: there is no folder" logits -m "$m" -p hi --out "$folder/nowhere/l.npy"
    expect 2 "--thinking: maybe not in {on,off}" run -m "$demo" -p hi --chat --thinking maybe
    expect 1 "thinking cannot be turned on in this model" run -m "$demo" -p hi --chat --thinking on
    # Where " <" is one token, and <think> none.
    expect 0 "</think>" run -m "$demo" -p "hi <think>=" --think-budget 0 --temp 0 -n 20
    expect 1 "no MTP block drafts" run -m "$demo" -p hi --spec none --draft-vocab 5
    expect 1 "100000 tokens that may be drafted: the model has" run -m "$demo" -p hi --draft-vocab 100000
    expect 0 "2 prompt tokens" run -m "$m" -p hi -n 2 -c 10
    expect 2 "expected a number, 0 or more; got nan" run -m "$m" -p hi --memory nan

    echo 'root ::= "yes!"' >"$folder/yes.gbnf"
    echo 'root ::= "yes" |)' >"$folder/bad.gbnf"
    echo '{"enum": [17]}' >"$folder/schema.json"
    expect 0 "yes!" run -m "$m" -p hi --grammar "$folder/yes.gbnf"
    expect 0 '"text":"17"' run -m "$m" -p hi --json-schema "$folder/schema.json" --json
    before_loading "grammar, line 1, column 17: expected" run -m "$m" -p hi --grammar "$folder/bad.gbnf"
    before_loading "the JSON schema is no JSON" run -m "$m" -p hi --json-schema "$folder/bad.gbnf"
    expect 2 "excludes" run -m "$m" -p hi --json-schema "$folder/schema.json" --grammar "$folder/yes.gbnf"

    # Ctrl-C: what there is comes, with its figures. In a long text, and in a long prompt.
    interrupted() { # interrupted SIGNAL STATUS TEXT SECONDS ARGUMENT...: SECONDS after TEXT on standard error
        local pid status line
        mkfifo "$folder/fifo"
        env --default-signal=INT,TERM "$program" "${@:5}" >"$folder/said" 2>"$folder/fifo" &
        pid=$!
        exec 3<"$folder/fifo"
        while read -r -u 3 line && [[ $line != *"$3"* ]]; do :; done
        sleep "$4"
        kill -s "$1" $pid
        cat <&3 >"$folder/err"
        exec 3<&-
        rm "$folder/fifo"
        wait $pid
        status=$?
        if [ $status != "$2" ] || ! grep -q "cancelled" "$folder/said" "$folder/err"; then
            echo "rewind ${*:5}, sent SIG$1: expected status $2 and 'cancelled', got status $status and:"
            tail -n 3 "$folder/said" "$folder/err"
            problems=$((problems + 1))
        fi
    }
    interrupted INT 130 "round 1:" 0 run -m "$m" -p hi -n 4000 --ignore-end --trace --json
    [[ $(cat "$folder/said") == "{"*'"stop":"cancelled"'*"}" ]] ||
        { echo "no JSON after Ctrl-C: $(head -c 300 "$folder/said")"; problems=$((problems + 1)); }
    interrupted TERM 143 "round 1:" 0 run -m "$m" -p hi -n 4000 --ignore-end --trace
    grep -q "2 prompt tokens, .* (cancelled);.* state " "$folder/err" ||
        { echo "no figures after SIGTERM: $(tail -n 1 "$folder/err")"; problems=$((problems + 1)); }
    interrupted INT 130 "in all" 0.3 run -m "$m" -p "$(printf 'x%.0s' {1..4000})" --chunk 1

    # What is out of range is found before the model is looked for.
    run=(run -m "$folder/none.gguf" -p x)
    expect 1 "temperature: 0 or a positive number" "${run[@]}" --temp nan
    expect 1 "top_p: a number above 0" "${run[@]}" --top-p 0
    expect 1 "repetition penalty: a number above 0" "${run[@]}" --repeat-penalty 0
    expect 1 "DRY's base: a number from 1 on" "${run[@]}" --dry-base 0.5
    expect 1 "--logit-bias 3: TOKEN=NUMBER is expected" "${run[@]}" --logit-bias 3
    expect 1 "--stop: a text of at least one character" "${run[@]}" --stop ""
    expect 1 "--think-budget: -1 (any number)" "${run[@]}" --think-budget=-2
    expect 1 "none.gguf" "${run[@]}" --temp 1 --typical 0.9 --mirostat-tau 3 --dry-breaker a --dry-breaker b --ratio
    expect 1 "token 600 is not one of the vocabulary's 512" run -m "$m" -t 1,2 -n 1 --logit-bias 600=1
    expect 0 '"most_likely":[{"token":' run -m "$m" -t 1,2 -n 4 --repeat-penalty 1.2 --logprobs 2 --json
    expect 0 '"what":"an edit in the middle","prompt_tokens":40,"cached_tokens":16,"run_tokens":24' bench -m "$m" --suite cache --prompt-tokens 40 --chunk 8 --json
    expect 1 "--cache-every 12: at most --chunk (8), or a multiple of it" bench -m "$m" --suite cache --chunk 8 --cache-every 12
    expect 1 "/none.gguf: cannot open" run -m "$m" -p x --draft-model "$folder/none.gguf"
    expect 1 "ngram-mod: entries is a power of two, as 1024, not 1000" run -m "$m" -t 1 --spec ngram-mod:entries=1000
    expect 1 "besides are for the model that drafts: do without --draft-model" run -m "$m" -p x --draft-model "$m" --memory 0.04 --json
    expect 0 "off" bench -m "$m" --suite mtp -n 4 --spec none
    expect 1 "--prompts $folder: there is no such file" bench -m "$m" --suite mtp --prompts "$folder"
    expect 1 "take 11 or more" bench -m "$m" --prompt-tokens 8 --context 9 --n-max 0
    expect 1 "the model that drafts takes" run -m "$m" -p x --draft-model "$m" --memory 0.01
    expect 0 '"n_max":"auto","prompts":[{"kind":"python","predicted":8' bench -m "$m" --suite mtp -n 8 --n-max 0,2 --p-min 0.1 --json --forget-costs
    expect 0 "the same" bench -m "$m" --suite mtp -n 4 --n-max 0 --svg "$folder/mtp.svg" --forget-costs
    grep -q "</svg>" "$folder/mtp.svg" || { echo "the suite's plot is not whole"; problems=$((problems + 1)); }
    expect 1 "--context-shift: a recurrent layer" run -m "$m" -t 1 --context-shift
    head -c 999 /dev/urandom >"$folder/noise"
    "$program" tokenize -m "$m" <"$folder/noise" | "$program" detokenize -m "$m" | cmp - "$folder/noise" ||
        { echo "bytes did not come back from tokenize and detokenize"; problems=$((problems + 1)); }
fi

[ "$problems" = 0 ] && echo "the program answers as expected"
exit $((problems > 0))
