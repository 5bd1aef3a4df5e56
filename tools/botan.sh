# Botan: the distribution's package from 3.13 on, else a static, minimal build of the Debian source package, made once
# and kept outside the tree. Sourced by ./dev. Versions before 3.13 carry open advisories and are not used.

botan_version=3.13.0
botan_modules=aes,aes_ni,aes_vaes,ctr_avx2,ctr_simd32,gcm,ghash,ghash_avx512_clmul,ghash_cpu,ghash_vperm,chacha,\
chacha_simd32,chacha_avx2,chacha20poly1305,poly1305,argon2,argon2_avx2,hkdf,hmac,sha2_32,sha2_32_x86,sha2_32_simd,\
sha2_32_avx2,sha2_64,sha2_64_x86,sha2_64_avx2,sha1,sha1_x86,sha3,ml_kem,x25519,ed25519,ecdsa,ecdh,pcurves_secp256r1,\
pcurves_secp384r1,rfc6979,tls12,tls13,tls13_pqc,x509,pem,chacha_rng,hmac_drbg,auto_rng,system_rng,tss,zfec,hotp,\
locking_allocator,rfc3394,base64,hex,siv,cmac,certstor_flatfile,base32
botan_flags="-O2 -fPIC -g0"

# Where the build for this version, module list and compiler lies: any change of these makes another one.
botan_prefix() {
    local recipe
    recipe=$(printf '%s\n' "$botan_modules" "$botan_flags" "$(g++ -dumpfullversion -dumpmachine)" "$(uname -m)" |
        sha256sum | cut -c1-12)
    echo "$cache/botan-$botan_version-$recipe"
}

# Modules of other processors' instructions are left out of the list where they do not exist.
botan_modules_here() {
    if [ "$(uname -m)" = x86_64 ]; then
        echo "$botan_modules"
    else
        tr ',' '\n' <<<"$botan_modules" | grep -Ev '(_ni|_vaes|_x86|_avx2|_avx512_clmul)$' | paste -sd,
    fi
}

# Sets PKG_CONFIG_PATH so that Meson finds a Botan that is new enough, building it first when there is none.
need_botan() {
    if pkg-config --atleast-version=3.13 botan-3 2>/dev/null; then
        return
    fi
    local prefix
    prefix=$(botan_prefix)
    if [ ! -e "$prefix/complete" ]; then
        if [ "$install" = no ]; then
            fail "Botan 3.13 is missing; run without --no-install, and it is built into $prefix"
        fi
        hold "$cache/botan.lock" "building Botan"
        [ -e "$prefix/complete" ] || build_botan "$prefix"
    fi
    export PKG_CONFIG_PATH="$prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
}

# fetch_botan FOLDER: the upstream tarball out of the Debian source package, checked by apt's signatures. The apt
# configuration is private: no list, cache or setting of the system is touched.
fetch_botan() {
    local folder=$1 options
    mkdir -p "$folder"/{sources,none,lists/partial,archives/partial}
    python3 tools/debian_source.py >"$folder/sources/sid.sources" 2>"$folder/words" ||
        fail "Botan 3.13 cannot be fetched: $(cat "$folder/words"); install libbotan-3-dev 3.13 or later yourself"
    options=(-q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$folder/sources"
        -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts="$folder/none"
        -o Dir::State::Lists="$folder/lists" -o Dir::Cache="$folder" -o Dir::Cache::Archives="$folder/archives"
        -o APT::Get::List-Cleanup=0 -o Acquire::Languages=none -o Acquire::Retries=3)
    [ "$(id -u)" -eq 0 ] && options+=(-o APT::Sandbox::User=root)
    apt-get "${options[@]}" update >"$folder/log" 2>&1 ||
        fail "the source list of Debian sid could not be read: $(tail -1 "$folder/log")"
    local wanted
    wanted=$(apt-cache "${options[@]}" showsrc botan3 2>/dev/null |
        awk -v pin="$botan_version" '$1 == "Version:" && index($2, pin) == 1 {print "=" $2; exit}')
    [ -n "$wanted" ] || say "Botan $botan_version is not in the archive any more; taking its newest"
    (cd "$folder" && apt-get "${options[@]}" source --tar-only --download-only "botan3$wanted") >>"$folder/log" 2>&1 ||
        fail "the Botan source could not be fetched: $(tail -1 "$folder/log")"
}

build_botan() {
    local prefix=$1 work=$1.work tarball started=$SECONDS
    say "Botan $botan_version: fetching the source"
    rm -rf "$work" "$prefix"
    mkdir -p "$work/fetch" "$work/source"
    fetch_botan "$work/fetch"
    tarball=$(find "$work/fetch" -maxdepth 1 -name 'botan3_*.orig.tar.*' ! -name '*.asc' | head -1)
    [ -n "$tarball" ] || fail "the Botan source package holds no tarball"
    tar -xf "$tarball" -C "$work/source" --strip-components=1 || fail "$tarball does not unpack"
    say "Botan: configuring and compiling once; this takes a few minutes"
    python3 tools/build_botan.py --source "$work/source" --prefix "$prefix" --modules "$(botan_modules_here)" \
        --flags "$botan_flags" --jobs "$(job_count)" --log "$work/log" >&2 ||
        fail "Botan did not build; the compiler's words are in $work/log"
    rm -rf "$work"
    touch "$prefix/complete"
    say "Botan: done in $((SECONDS - started)) s, kept in $prefix"
}
