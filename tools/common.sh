# Shared by ./dev: messages, failures, locks. Sourced, not run.
# Progress goes to standard error, so that standard output belongs to the verb's result.

cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/firedrill

say() { printf '\033[1m==\033[0m %s\n' "$*" >&2; }
[ -t 2 ] || say() { printf '== %s\n' "$*" >&2; }

# One sentence, and the exit code of the table in docs/exit_codes.md.
fail() {
    printf 'dev: %s.\n' "$*" >&2
    exit 1
}
fail_usage() {
    printf 'dev: %s.\n' "$*" >&2
    exit 2
}

is_number() { [[ "$1" =~ ^[0-9]{1,9}$ ]]; }

# Takes a lock until release_locks or the end of this script: hold FILE "what the other one is doing".
held_locks=()
hold() {
    mkdir -p "$(dirname "$1")"
    local handle
    exec {handle}>"$1"
    if ! flock -n "$handle"; then
        say "another ./dev is $2; waiting for it"
        flock "$handle"
    fi
    held_locks+=("$handle")
}

# Before a program is started that may run for long: it must not inherit the locks.
release_locks() {
    local handle
    for handle in ${held_locks[@]+"${held_locks[@]}"}; do
        exec {handle}>&-
    done
    held_locks=()
}

# Compile jobs: one a core, fewer when memory is short (a heavy unit takes about 1 GiB). FIREDRILL_JOBS overrides.
job_count() {
    local cores memory_jobs
    cores=$(nproc)
    memory_jobs=$(awk '/^MemAvailable:/ {print int($2 / 1048576)}' /proc/meminfo)
    [ "$memory_jobs" -lt 1 ] && memory_jobs=1
    [ "$memory_jobs" -lt "$cores" ] && cores=$memory_jobs
    echo "${FIREDRILL_JOBS:-$cores}"
}

# The first of the given commands that exists, or nothing.
first_command() {
    local name
    for name in "$@"; do
        if command -v "$name" >/dev/null; then
            echo "$name"
            return
        fi
    done
}
