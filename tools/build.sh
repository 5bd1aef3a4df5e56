# Meson and Ninja: one build folder a purpose, each remembering what it was configured with. Sourced by ./dev.

# configure FOLDER MESON_OPTIONS...: a no-op when the folder was configured for the same Botan and options.
configure() {
    local folder=$1 launcher linker wanted
    shift
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
