# Debian packages: which are needed, which are missing, and how they are installed. Sourced by ./dev.

packages_build="g++ meson ninja-build pkgconf ccache mold git python3 xz-utils libsqlite3-dev libfmt-dev
    libtomlplusplus-dev libcli11-dev libzxcvbn-dev libutf8proc-dev dpkg-dev ca-certificates"
packages_test="libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev libsqlcipher-dev age curl openssl"
packages_browser="chromium firefox-esr nodejs libnss3-tools openssl fonts-dejavu-core"
packages_clang="clang-19 lld-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev"

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Debian 12 has Boost 1.74 as its default and 1.81 under a name of its own; later releases are past it.
boost_packages() {
    if is_installed libboost1.81-dev || apt-cache show libboost1.81-dev 2>/dev/null | grep -q ^Package; then
        echo libboost1.81-dev libboost-json1.81-dev
    else
        echo libboost-dev libboost-json-dev
    fi
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "these packages must be installed by root, and there is no sudo: ${missing[*]}"
    fi
}

# need_packages NAME...: installs what is missing. With --no-install it only says what that is, and stops.
need_packages() {
    if ! command -v dpkg-query >/dev/null; then
        say "this is no Debian machine: the build goes on with what is here (wanted: $*)"
        return
    fi
    local missing=() name
    for name in "$@"; do
        is_installed "$name" || missing+=("$name")
    done
    [ ${#missing[@]} -eq 0 ] && return
    if [ "$install" = no ]; then
        printf 'missing packages: %s\n' "${missing[*]}" >&2
        fail "packages are missing; run without --no-install, or: apt-get install ${missing[*]}"
    fi
    say "installing ${#missing[@]} packages: ${missing[*]}"
    local get=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120)
    if ! apt-cache show "${missing[@]}" >/dev/null 2>&1; then
        as_root "${get[@]}" update >&2 </dev/null || fail "apt-get update failed; its words stand above"
    fi
    as_root "${get[@]}" install --no-install-recommends "${missing[@]}" >&2 </dev/null && return
    say "again, with a fresh package list"
    as_root "${get[@]}" update >&2 </dev/null || fail "apt-get update failed; its words stand above"
    as_root "${get[@]}" install --no-install-recommends "${missing[@]}" >&2 </dev/null ||
        fail "apt-get could not install ${missing[*]}; its words stand above"
}

need_build_packages() {
    # Without package lists nothing is known about Boost's names: fetch them before asking.
    if [ "$install" = yes ] && command -v apt-cache >/dev/null && ! is_installed libboost1.81-dev &&
        ! is_installed libboost-json-dev && ! apt-cache show libboost-dev 2>/dev/null | grep -q ^Package; then
        local missing=(libboost-dev)
        say "fetching the package list"
        as_root apt-get -q update >&2 </dev/null || fail "apt-get update failed; its words stand above"
    fi
    # shellcheck disable=SC2046,SC2086
    need_packages $packages_build $packages_test $(boost_packages)
}
