# ./dev guards: what nobody builds every day, built and run for a moment, so that it cannot rot in silence. Sourced
# by ./dev. Each guard says how long it took.

# These fuzz targets link little: they are built and run for seconds.
guarded_targets="age cover leaves members page segment wrap"
# The units that g++ instruments worst: those that include Beast and Asio.
guarded_objects="core/web/libfiredrill_web.a.p/http.cpp.o core/posix/libfiredrill_posix.a.p/loop.cpp.o
    core/posix/libfiredrill_posix.a.p/sockets.cpp.o"

verb_guards() {
    local names=("$@") name started
    [ ${#names[@]} -gt 0 ] || names=(threads clang asan)
    for name in "${names[@]}"; do
        case "$name" in
            threads | clang | asan) ;;
            *) fail_usage "\"$name\" is not a guard; there are: threads clang asan" ;;
        esac
    done
    for name in "${names[@]}"; do
        started=$SECONDS
        ("guard_$name") || fail "the guard \"$name\" found something; it stands above"
        say "guard $name: nothing found, $((SECONDS - started)) s"
    done
}

# A guard stands left of ||, where bash does not end it at a command that fails: each says by itself what must not.

# ThreadSanitizer over the loop, the lanes and the store on them.
guard_threads() { verb_test_threads; }

# clang compiles all of core, and a few fuzz targets run with its sanitizers.
guard_clang() {
    prepare_fuzzing
    local target programs=()
    for target in $guarded_targets; do
        programs+=("fuzz/fuzz_$target")
    done
    compile build-fuzz "${programs[@]}"
    release_locks
    say "clang looks at the rest of core"
    python3 tools/check_syntax.py build-fuzz core --jobs "$(job_count)" || fail "clang does not compile all of core"
    for target in $guarded_targets; do
        fuzz_for_a_moment "$target" 5
    done
}

# fuzz_for_a_moment TARGET SECONDS: fails when it finds something, and when it hardly ran.
fuzz_for_a_moment() {
    local target=$1 output runs
    mkdir -p "build-fuzz/corpus/$target" "fuzz/corpus/$target"
    if ! output=$(run_fuzzer "$target" "$2" 2>&1); then
        printf '%s\n' "$output" | tail -60 >&2
        fail "fuzzing $target found something; it stands above"
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' <<<"$output")
    is_number "$runs" && [ "$runs" -ge 50 ] || fail "fuzzing $target ran only ${runs:-no} times in $2 s"
    say "fuzzed $target: $runs runs"
}

# g++ with AddressSanitizer and UndefinedBehaviorSanitizer compiles the units that broke there before.
guard_asan() {
    prepare build-asan $asan_options
    # shellcheck disable=SC2086
    compile build-asan $guarded_objects
}
