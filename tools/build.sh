# Meson and Ninja: one build folder a purpose, each remembering what it was configured with. Sourced by ./dev.

# Whether a warning stops the build of a folder: FIREDRILL_WERROR=1 or 0 says so, for us and for .ci/run. Without it
# the folder keeps what it was configured with (the other way compiles everything anew), and a new one does not stop:
# nobody is turned away by a compiler that warns of something we have not seen.
warnings_are_errors() {
    case "${FIREDRILL_WERROR:-}" in
        1) return 0 ;;
        0) return 1 ;;
        "") grep -qs -e ' -Werror ' "$1/build.ninja" ;;
        *) fail_usage "FIREDRILL_WERROR is \"$FIREDRILL_WERROR\"; it must be 0 or 1" ;;
    esac
}

# configure FOLDER MESON_OPTIONS...: a no-op when the folder was configured for the same Botan and options.
configure() {
    local folder=$1 launcher linker wanted
    shift
    if [[ " $* " != *" -Dwerror="* ]] && warnings_are_errors "$folder"; then
        set -- -Dwerror=true "$@"
    fi
    launcher=$(first_command ccache)
    linker=$(first_command mold)
    wanted="$(printf '%s\n' "${PKG_CONFIG_PATH:-}" "$launcher" "$linker" "$@")"
    if [ -f "$folder/build.ninja" ] && [ "$(cat "$folder/configured_for" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    say "configuring $folder"
    rm -rf "$folder"/meson-* "$folder/build.ninja"
    mkdir -p "$folder"
    CC="${CC:-${launcher:+$launcher }gcc}" CXX="${CXX:-${launcher:+$launcher }g++}" \
        CXX_LD="${CXX_LD:-$linker}" CC_LD="${CC_LD:-$linker}" \
        meson setup "$folder" . "$@" >"$folder/configure.log" 2>&1 || {
        tail -15 "$folder/configure.log" >&2
        fail "Meson could not configure $folder; its words stand above and in $folder/configure.log"
    }
    printf '%s\n' "$wanted" >"$folder/configured_for"
}

# compile FOLDER TARGETS...: everything when no target is given.
compile() {
    local folder=$1 started=$SECONDS
    shift
    say "building in $folder"
    CCACHE_NOHASHDIR=1 ninja -C "$folder" -j "$(job_count)" "$@" >&2 ||
        fail "the build failed; the compiler's words stand above"
    say "built in $((SECONDS - started)) s"
}

# prepare FOLDER MESON_OPTIONS...: packages, Botan, configuration; the lock on the folder is held from here on.
prepare() {
    local folder=$1
    need_build_packages
    need_botan
    hold "$folder/lock" "building in $folder"
    configure "$@"
}
