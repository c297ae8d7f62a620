# What the scripts about containers share; it is sourced, never run. Finds out what this machine builds and runs
# containers with, and gives one name to what Docker and Podman call differently. Whoever sources it sets `project`, the
# compose project, and `compose_log`, where podman-compose's own chatter goes.
# shellcheck shell=bash disable=SC2034,SC2154

# Says why and ends; $0 is the script that sourced this.
fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

say() {
    echo "$(basename "$0"): $*"
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# The container engine: ENGINE when it is set, else docker when its daemon answers, else podman.
find_engine() {
    if [ -n "${ENGINE:-}" ]; then
        has "$ENGINE" || fail "ENGINE is $ENGINE, which is not on PATH"
        engine=$ENGINE
    elif has docker && docker info >/dev/null 2>&1; then
        engine=docker
    elif has podman; then
        engine=podman
    else
        fail "needs docker with a running daemon, or podman; see docs/running.md"
    fi
    # Podman has systemd run its health checks. Without systemd nobody does, and starting a container complains.
    if [ "$engine" = podman ] && [ ! -d /run/systemd/system ]; then
        export DISABLE_HC_SYSTEMD=true
        checks_itself=no
    else
        checks_itself=yes
    fi
}

# What reads docker-compose.yml, as an array `compose`: COMPOSE when it is set, else the engine's own.
find_compose() {
    find_engine
    if [ -n "${COMPOSE:-}" ]; then
        read -r -a compose <<<"$COMPOSE"
    elif [ "$engine" = docker ] && docker compose version >/dev/null 2>&1; then
        compose=(docker compose)
    elif [ "$engine" = docker ] && [[ $(docker-compose version --short 2>/dev/null) =~ ^v?([2-9]|[1-9][0-9])\. ]]; then
        # The first version, which some distributions still have, does not read the file.
        compose=(docker-compose)
    elif [ "$engine" = podman ] && has podman-compose; then
        compose=(podman-compose)
    else
        case $engine in
        podman) fail "found podman, but no podman-compose, which goes with it: pip install podman-compose" ;;
        *) fail "found $engine, but not its plugin 'docker compose', version 2 or newer" ;;
        esac
    fi
}

# container SERVICE: its container's id, running or not.
container() {
    "$engine" ps --all --quiet --filter "label=com.docker.compose.project=$project" \
        --filter "label=com.docker.compose.service=$1" | head -n 1
}

# healthy CONTAINER: whether its health check says so; it is run here where nobody else runs it.
healthy() {
    if [ "$checks_itself" = no ]; then
        "$engine" healthcheck run "$1" >/dev/null 2>&1
    else
        [ "$("$engine" inspect --format '{{.State.Health.Status}}' "$1" 2>/dev/null)" = healthy ]
    fi
}

# wait_healthy SECONDS SERVICE: until it is, or shows the end of its log and fails.
wait_healthy() {
    local deadline=$((SECONDS + $1)) id
    id=$(container "$2")
    [ -n "$id" ] || fail "$2 has no container"
    until healthy "$id"; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            "$engine" logs --tail 30 "$id" >&2 || true
            fail "$2 is not healthy after $1 s; the end of its log is above"
        fi
        sleep 0.5
    done
}

# Every service that stays up, each after what it depends on.
services_in_order=(postgres app alertmanager prometheus grafana jaeger loki alloy app-2 app-3 redis haproxy)

# bring_up SERVICE...: starts them, each once what it depends on is healthy, and waits until all are.
bring_up() {
    local service wanted=" $* "
    # podman-compose leaves `condition: service_healthy` out with the Podman of Debian 12, so here it is waited in order.
    if [ "$engine" = podman ]; then
        for service in "${services_in_order[@]}"; do
            [[ $wanted = *" $service "* ]] || continue
            "${compose[@]}" up --detach --no-deps "$service" >"$compose_log" 2>&1 || {
                tail -n 20 "$compose_log" >&2
                fail "$service did not start"
            }
            wait_healthy 120 "$service"
        done
    else
        "${compose[@]}" up --detach "$@"
        for service in "$@"; do
            wait_healthy 120 "$service"
        done
    fi
}

# The version of the package, which is the tag of the image.
package_version() {
    sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1
}

# tell_commit IMAGE: says which commit it is of when it is not this one, because nobody builds anew an image that is there.
tell_commit() {
    local label here
    label=$("$engine" image inspect --format '{{index .Config.Labels "org.opencontainers.image.revision"}}' "$1")
    here=$(revision)
    [ "$label" = "$here" ] && [[ $label != *-dirty ]] || say "note: $1 is there, of commit ${label:-unknown}; this is $here, and 'make image' builds it"
}

# The commit as build.rs writes it, marked when what is built is not what was committed.
revision() {
    git describe --always --abbrev=12 --exclude '*' --dirty 2>/dev/null || true
}
