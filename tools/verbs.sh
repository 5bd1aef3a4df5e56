# The verbs of ./dev. Sourced by ./dev.

sanitizers="-Db_sanitize=address,undefined -Db_lundef=false"
# Half the compile time of -O2, and stack traces that name more.
asan_options="$sanitizers -Doptimization=1"

verb_help() {
    cat <<'END'
./dev VERB [arguments]

  drill [--seeds N]        build, then the whole suite: every scenario with N seeds (default 5) and one live case;
                           prints the scoreboard and writes build/report/scoreboard.json
  test [--long] [--asan] [--no-browser]
                           build and run all tests, replay the fuzz corpora, run the benches tiny, walk through every page
                           with real browsers (--no-browser leaves them out); ends with the line "N passed, N failed"
  test --record-heads      record anew what real browsers send, into tests/browser/heads
  test --tsan              build and run what uses real threads under ThreadSanitizer
  serve [arguments]        build, then serve the demo practice; arguments go to `firedrill serve --demo`
  build [TARGET...]        build the program, build/firedrill (or the named Ninja targets; `all` for everything)
  bench [SUITE] [--json]   build and measure; SUITE is store or sim (default: both), crypto or identity
                           (figures without goals)
  fuzz TARGET SECONDS      build with clang 19, libFuzzer and sanitizers, and fuzz one target;
                           without arguments it lists the targets
  guards [GUARD...]        build and run for a moment what nobody builds every day: threads (test --tsan), clang (all
                           of core, six fuzz targets for 5 s each), asan (g++ on the units that broke there)
  fmt [--check]            format every source file with clang-format 19
  tidy [FILE...]           run clang-tidy 19
  help                     this text

What is missing is installed first (Debian packages with sudo; Botan is built once and cached). With --no-install a
verb only says what is missing. FIREDRILL_JOBS=N limits the compile jobs; FIREDRILL_WERROR=1 lets a warning stop the
build, as .ci/run does.
END
}

verb_build() {
    prepare build
    compile build "${@:-firedrill}"
}

verb_serve() {
    prepare build
    compile build firedrill
    release_locks
    exec build/firedrill serve --demo "$@"
}

verb_drill() {
    local seeds=5
    while [ $# -gt 0 ]; do
        case "$1" in
            --seeds) [ $# -ge 2 ] && is_number "$2" && [ "$2" -gt 0 ] || fail_usage "--seeds needs a number from 1 on"
                seeds=$2
                shift 2 ;;
            --seeds=*) set -- --seeds "${1#*=}" "${@:2}" ;;
            *) fail_usage "\"$1\" is not an argument of drill; it takes --seeds N" ;;
        esac
    done
    prepare build
    compile build firedrill
    mkdir -p build/report
    release_locks
    exec build/firedrill sim suite --seeds "$seeds" --jobs "$(nproc)" --report build/report/scoreboard.json
}

verb_test() {
    local folder=build options=() long=no browser=yes walk=()
    while [ $# -gt 0 ]; do
        case "$1" in
            --long) long=yes ;;
            --no-browser) browser=no ;;
            --record-heads)
                [ $# -eq 1 ] && [ "$long$browser$folder" = noyesbuild ] || fail_usage "--record-heads stands alone"
                record_heads ;;
            --asan)
                folder=build-asan
                # shellcheck disable=SC2206
                options=($asan_options) ;;
            --tsan)
                [ $# -eq 1 ] && [ "$long" = no ] && [ "$folder" = build ] || fail_usage "--tsan stands alone"
                verb_test_threads ;;
            *) fail_usage "\"$1\" is not an argument of test; it takes --long, --asan, --no-browser, or --tsan alone" ;;
        esac
        shift
    done
    prepare "$folder" ${options[@]+"${options[@]}"}
    compile "$folder"
    if [ "$browser" = yes ]; then
        prepare_browser
        walk=(--browser build/browser)
    fi
    [ "$long" = yes ] && export FIREDRILL_LONG=1
    export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
    export UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}
    release_locks
    exec python3 tools/run_tests.py "$folder" --jobs "$(nproc)" ${walk[@]+"${walk[@]}"}
}

# Botan and SQLite are as everywhere, not instrumented: what they do to memory of their own is not looked at.
verb_test_threads() {
    prepare build-tsan -Db_sanitize=thread -Db_lundef=false
    compile build-tsan tests/races/planted_race tests/seams/seams_tests tests/store/store_threads_tests
    release_locks
    exec python3 tools/run_races.py build-tsan
}

verb_bench() {
    local program=firedrill_bench
    if [ "${1:-}" = crypto ]; then  # figures without a peer, in the form of the library
        program=firedrill_crypto_bench
        shift
        [ "${1:-}" = --json ] && set -- --benchmark_format=json "${@:2}"
    fi
    if [ "${1:-}" = identity ]; then  # whether refused sign-ins can be told apart; exits 1 when they can
        program=firedrill_identity_bench
        shift
    fi
    prepare build
    compile build "bench/$program"
    release_locks
    exec "build/bench/$program" "$@"
}

verb_fuzz() {
    local targets target=${1:-} duration=${2:-}
    targets=$(sed -n "s/^ *'\([a-z0-9_]*\)': .*/\1/p" fuzz/meson.build | paste -sd' ')
    if [ -z "$target" ]; then
        printf 'fuzz targets: %s\n' "$targets"
        return
    fi
    [[ " $targets " == *" $target "* ]] || fail_usage "\"$target\" is not a fuzz target; there are: $targets"
    is_number "$duration" || fail_usage "fuzz needs a target and a number of seconds, for example: fuzz $target 60"
    prepare_fuzzing
    compile build-fuzz "fuzz/fuzz_$target"
    mkdir -p "build-fuzz/corpus/$target" "fuzz/corpus/$target"
    say "fuzzing $target for $duration s; what it finds is written to build-fuzz/found-$target-*"
    release_locks
    run_fuzzer "$target" "$duration"
}

prepare_fuzzing() {
    # shellcheck disable=SC2086
    need_packages $packages_clang
    export CC="$(first_command ccache) clang-19" CXX="$(first_command ccache) clang++-19" CC_LD=lld-19 CXX_LD=lld-19
    prepare build-fuzz -Dfuzzing_engine=true $sanitizers -Dwerror=false
}

# run_fuzzer TARGET SECONDS
run_fuzzer() {
    ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1} "build-fuzz/fuzz/fuzz_$1" -max_total_time="$2" \
        -print_final_stats=1 -timeout=10 -rss_limit_mb=2048 -artifact_prefix="build-fuzz/found-$1-" \
        "build-fuzz/corpus/$1" "fuzz/corpus/$1"
}

source_files() { git ls-files -co --exclude-standard 'core/*' 'sim/*' 'tests/*' 'fuzz/*' 'bench/*' | grep -E '\.(h|cpp)$'; }

verb_fmt() {
    need_packages clang-format-19
    if [ "${1:-}" = --check ]; then
        source_files | xargs clang-format-19 --dry-run --Werror
    else
        source_files | xargs clang-format-19 -i
        say "formatted"
    fi
}

verb_tidy() {
    need_packages clang-tidy-19
    prepare build
    local files=("$@")
    if [ ${#files[@]} -eq 0 ]; then
        mapfile -t files < <(source_files | grep -E '^(core|sim)/.*\.cpp$')
    fi
    printf '%s\n' "${files[@]}" | xargs -P "$(job_count)" -n 1 clang-tidy-19 -p build --quiet ||
        fail "clang-tidy found something; it stands above"
    say "clang-tidy has nothing to say"
}
