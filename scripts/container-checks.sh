# What scripts/stack-check and scripts/image-check look at in the same way; it is sourced after scripts/containers.sh, whose
# `engine`, `fail` and `say` it uses. Each of these ends the script when what it looks at is not so.
# shellcheck shell=bash disable=SC2154

free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 10000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
}

# eventually SECONDS WHAT COMMAND...: until the command succeeds; how long that took is left in `took`.
eventually() {
    local began=$SECONDS deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || fail "not within its time: $what"
        sleep 0.5
    done
    took=$((SECONDS - began))
    say "ok: $what (after $took s)"
}

expect() { # expect WHAT WANTED GOT
    [ "$2" = "$3" ] || fail "$1: '$2' was expected, not '$3'"
    say "ok: $1"
}

# first_process CONTAINER: its number on this machine, where the kernel can be asked about it.
first_process() {
    local pid
    pid=$("$engine" inspect --format '{{.State.Pid}}' "$1")
    [ -r "/proc/$pid/mountinfo" ] ||
        fail "cannot see process $pid of $1: the containers do not run on this machine, or you may not look at them"
    echo "$pid"
}

# look_at NAME CONTAINER: what it may do, as the kernel sees its first process, not as the engine says it started it.
look_at() {
    local name=$1 id=$2 pid uid wrong=() root limit set
    pid=$(first_process "$id")
    status_of() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$pid/status"; }
    for set in CapPrm CapEff CapBnd CapAmb; do
        [ "$(status_of $set)" = 0000000000000000 ] || wrong+=("$set is $(status_of $set)")
    done
    [ "$(status_of NoNewPrivs)" = 1 ] || wrong+=("it may gain privileges")
    uid=$(status_of Uid | cut -f 1)
    [ "$uid" != 0 ] || wrong+=("it runs as root")
    root=$(awk '$5 == "/" { print $6 }' "/proc/$pid/mountinfo" | tail -n 1)
    [[ ,$root, = *,ro,* ]] || wrong+=("its root file system is writable")
    limit=$("$engine" inspect --format '{{.HostConfig.Memory}}' "$id")
    [ "$limit" -gt 0 ] || wrong+=("its memory has no bound")
    limit=$("$engine" inspect --format '{{.HostConfig.PidsLimit}}' "$id")
    [ "$limit" -gt 0 ] || wrong+=("its processes have no bound")
    if "$engine" port "$id" | grep -v ' 127\.0\.0\.1:'; then wrong+=("a port is open to other machines"); fi
    [ ${#wrong[@]} -eq 0 ] || fail "$name: $(printf '%s; ' "${wrong[@]}")"
    say "ok: $name runs as $uid, read-only, without capabilities"
}

# runs_as NAME CONTAINER UID
runs_as() {
    expect "$1 runs as $3" "$3" "$(awk '$1 == "Uid:" { print $2 }' "/proc/$(first_process "$2")/status")"
}

# tells_its_commit IMAGE ADMIN: the label of the image and the program in it tell the same commit.
tells_its_commit() {
    local label told
    label=$("$engine" image inspect --format '{{index .Config.Labels "org.opencontainers.image.revision"}}' "$1")
    told=$(curl --silent --max-time 5 "$2/metrics" | sed -n 's/^build_info{.*revision="\([^"]*\)".*/\1/p')
    expect "the program and the image's label tell the same commit" "${label:-unknown}" "$told"
}

field() { # field NAME: of the JSON on standard input
    sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}

post() {
    curl --silent --show-error --max-time 20 --request POST --header 'Content-Type: application/json' "$@"
}

# make_a_shop API CONTAINER: a customer, an operator and a product; leaves `token` and `body`, which order() sends.
make_a_shop() {
    local operator product
    login() { post "$1/api/v1/sessions" --data "{\"email\":\"$2\",\"password\":\"$3\"}" | field access_token; }
    post "$1/api/v1/accounts" --output /dev/null --fail \
        --data '{"email":"ada@example.com","password":"a long enough password","display_name":"Ada"}'
    echo 'another good password' | "$engine" exec --interactive "$2" \
        /usr/local/bin/glasshouse account create --email olga@example.com --role operator >/dev/null
    token=$(login "$1" ada@example.com 'a long enough password')
    operator=$(login "$1" olga@example.com 'another good password')
    product=$(post "$1/api/v1/products" --header "Authorization: Bearer $operator" \
        --data '{"sku":"TEA-1","name":"Assam, 100 g","product_type":"physical","unit_price_cents":450,"stock":1000000}' | field id)
    body="{\"items\":[{\"product_id\":\"$product\",\"quantity\":1}]}"
}

# order API KEY: prints the status.
order() {
    post "$1/api/v1/orders" --header "Authorization: Bearer $token" --header "Idempotency-Key: $2" --data "$body" \
        --output /dev/null --write-out '%{http_code}'
}

# slow_order API KEY SECONDS FILE: an order whose body takes that long to arrive, with blanks before it, for a body that comes at
# less than server.body_min_rate is taken for one that will not come; its status goes to FILE, what went wrong to FILE.err.
slow_order() {
    {
        for _ in $(seq "$3"); do
            printf '%400s' ''
            sleep 1
        done
        printf '%s' "$body"
    } | curl --silent --show-error --max-time 30 --request POST --upload-file - --header 'Expect:' \
        --header 'Content-Type: application/json' --header "Authorization: Bearer $token" --header "Idempotency-Key: $2" \
        "$1/api/v1/orders" --output /dev/null --write-out '%{http_code}' >"$4" 2>"$4.err"
}

# in_flight ADMIN. Not `grep -q`, here and elsewhere: it leaves before the end, which is curl's failure then, and the pipe's.
in_flight() {
    curl --silent --max-time 5 "$1/metrics" | grep '^http_requests_in_flight [1-9]' >/dev/null
}
