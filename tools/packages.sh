# The Debian 12 packages that c10k needs, and how to get them. Sourced by ./manage, ./demo and ./test.

# To build and run the programs.
build_packages=(
    cmake
    g++
    libboost-url1.81-dev
    libboost1.81-dev
    libcli11-dev
    libkainjow-mustache-dev
    libnghttp2-dev
    libsimdjson-dev
    libspdlog-dev
    libssl-dev
    liburing-dev
    ninja-build
    nlohmann-json3-dev
    zlib1g-dev
)

# To build the Python package and to run the demo in Django.
django_packages=(
    python3-dev
    python3-django
)

# To fuzz the wire.
fuzz_packages=(
    clang
    libclang-rt-dev
)

# To write the documentation as HTML: ./docs/build.
docs_packages=(
    python3
    python3-markdown
    python3-pygments
)

# To test them: other people's clients and Life, a real browser, databases for the examples, the checks of the source, the
# fuzzers, and the library as a package.
test_packages=(
    "${django_packages[@]}"
    "${docs_packages[@]}"
    "${fuzz_packages[@]}"
    chromium
    chromium-driver
    clang-format
    clang-tidy
    clangd
    curl
    debootstrap
    dpkg-dev
    golly
    haproxy
    libgtest-dev
    libnginx-mod-stream
    libpq-dev
    libsqlite3-dev
    mypy
    nghttp2-client
    nghttp2-server
    nginx-light
    node-ws
    nodejs
    openssl
    pkgconf
    postgresql
    python3-aiohttp
    python3-channels-redis
    python3-daphne
    python3-django-channels
    python3-fastapi
    python3-h2
    python3-hpack
    python3-httpx
    python3-multipart
    python3-pil
    python3-pip
    python3-selenium
    python3-setuptools
    python3-starlette
    python3-uvicorn
    python3-venv
    python3-websockets
    python3-wheel
    redis-server
    strace
    systemd
)

# To measure them: ./benchmarks/run.
benchmark_packages=(
    "${django_packages[@]}"
    h2o
    haproxy
    iproute2
    nftables
    nghttp2-client
    nginx-light
    node-ws
    nodejs
    python3
    python3-daphne
    python3-django-channels
    python3-httptools
    python3-uvicorn
    python3-uvloop
    python3-websockets
    python3-wsproto
    strace
    valgrind
)

# Prints those of the given packages that are not installed. On a system without dpkg it prints nothing: there the
# build itself says what is missing.
missing_packages() {
    [[ -x /usr/bin/dpkg-query ]] || return 0
    local installed
    installed=$(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null) || true
    local package
    for package in "$@"; do
        grep --quiet --line-regexp --fixed-strings "installed $package" <<<"$installed" || echo "$package"
    done
}

# The command that installs the given packages. It never removes one: what else this machine is used for comes first.
apt_command() {
    local sudo=''
    ((EUID == 0)) || sudo='sudo '
    echo "${sudo}apt-get install --no-remove --no-install-recommends -y $*"
}

# Installs those of the given packages that are missing, and says which.
install_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]})) || return 0
    echo "Missing packages: ${missing[*]}" >&2

    local sudo=()
    ((EUID == 0)) || sudo=(sudo)
    if [[ ${sudo[*]} && ! -x $(command -v sudo) ]]; then
        echo "There is no sudo here. As root: apt-get install --no-remove --no-install-recommends ${missing[*]}" >&2
        return 1
    fi
    local install=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive
        apt-get install --no-remove --no-install-recommends --quiet -y "${missing[@]}")

    # Lists of packages that are absent or old do not know a package, or know a version that is no longer offered.
    echo "\$ $(apt_command "${missing[@]}")" >&2
    if apt-get install --simulate --no-remove "${missing[@]}" &>/dev/null && "${install[@]}" >&2; then
        return 0
    fi
    echo "Bringing the lists of packages up to date first." >&2
    "${sudo[@]}" apt-get update --quiet >&2 || true
    "${install[@]}" >&2 || explain_refusal
}

# Fetches what tests of pages need from npm into build-npm/: the version and the digest stand in the lock file. Debian's
# npm conflicts with other builds of Node, and is installed only where there is none.
fetch_node_modules() {
    local folder=$root/build-npm wanted=$root/tests/e2e/axe
    cmp --quiet "$wanted/package-lock.json" "$folder/fetched.json" && return
    [[ -x $(command -v npm) ]] || install_packages npm || return
    mkdir -p "$folder"
    cp "$wanted/package.json" "$wanted/package-lock.json" "$folder"
    npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=30000 >&2 || return
    cp "$wanted/package-lock.json" "$folder/fetched.json"
}

# Says what to do when apt does not install what was asked.
explain_refusal() {
    local other_boost
    other_boost=$(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' 'libboost1.*-dev' 2>/dev/null |
        sed -n 's/^installed //p' | grep --invert-match --line-regexp 'libboost1\.81-dev' || true)
    {
        echo
        echo "apt did not install the packages; its reason is above."
        if [[ $other_boost ]]; then
            echo "Debian keeps one version of Boost's headers at a time: $other_boost is here, c10k needs libboost1.81-dev."
            echo "If nothing else needs the old one, remove it and start again: apt-get remove $other_boost"
        elif ! grep --quiet 'VERSION_CODENAME=bookworm' /etc/os-release; then
            echo "This is not Debian 12 (bookworm), for which the list in tools/packages.sh is written."
        fi
        echo "Or leave this machine as it is and use a container: docker run -it --network host -v \"\$PWD\":/c10k -w /c10k debian:12 ./demo"
    } >&2
    return 1
}
