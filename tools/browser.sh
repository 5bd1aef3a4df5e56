# The walk of real browsers through the shipped program (tests/browser). Sourced by ./dev.

# What npm brings is pinned by tests/browser/package-lock.json, with checksums, and lies in build/browser, beside a copy of
# the walk's own files: nothing of it lands in the source tree.
prepare_browser() {
    local folder=build/browser lock=tests/browser/package-lock.json
    # shellcheck disable=SC2086
    need_packages $packages_browser
    command -v npm >/dev/null || need_packages npm  # some packages of Node.js bring npm themselves
    mkdir -p "$folder"
    if ! cmp -s "$lock" "$folder/installed-lock.json"; then
        [ "$install" = yes ] ||
            fail "what the browsers' walk needs from npm is missing; run without --no-install, or with --no-browser"
        say "installing what the browsers' walk needs from npm"
        cp tests/browser/package.json "$lock" "$folder/"
        (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund >&2 </dev/null) ||
            fail "npm ci failed; its words stand above; ./dev test --no-browser goes on without it"
        cp "$lock" "$folder/installed-lock.json"
    fi
    rm -rf "$folder/lib" "$folder/walks"
    cp -r tests/browser/package.json tests/browser/*.js tests/browser/lib tests/browser/walks "$folder/"
}

# Exits with what the recording exits with.
record_heads() {
    prepare build
    compile build firedrill
    prepare_browser
    release_locks
    exec node build/browser/record.js build/firedrill tests/browser/heads
}
