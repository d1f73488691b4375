# Sourced by quickstart and check: installs what is missing, and says what.
#   need PACKAGE...    Debian/Ubuntu packages that must be there
#   like PACKAGE...    those that tests can do without
#   brews FORMULA...   the same for macOS

say() { printf '%s\n' "$*" >&2; }

system() {
    if [ "$(uname)" = Darwin ]; then echo macos
    elif command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then echo debian
    else echo other; fi
}

missing() {
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$package"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else say "This needs root, and there is no sudo. As root: $*"; return 1; fi
}

apt_install() {
    say "Installing: $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@" >&2 && return
    as_root apt-get -q update >&2 # lists may be old
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@" >&2
}

need() {
    case $(system) in
    debian)
        packages=$(missing "$@")
        [ -z "$packages" ] || apt_install $packages || { say "Could not install: $packages"; exit 1; } ;;
    other) say "Neither apt-get nor brew here. Needed, by Debian's names: $*" ;;
    esac
}

like() {
    [ "$(system)" = debian ] || return 0
    for package in $(missing "$@"); do
        apt_install "$package" || say "Without $package: the tests that use it are skipped."
    done
}

brews() {
    [ "$(system)" = macos ] || return 0
    command -v brew >/dev/null || { say "macOS: install Homebrew (https://brew.sh) first."; exit 1; }
    for formula in "$@"; do
        brew list --versions "$formula" >/dev/null 2>&1 || brew install "$formula" >&2 || { say "Could not install: $formula"; exit 1; }
    done
}

# What building needs. OpenCL itself is part of macOS.
build_packages() {
    need gcc libc6-dev meson ninja-build pkg-config python3 ocl-icd-opencl-dev libyaml-dev libjansson-dev libpopt-dev \
        libcairo2-dev libpng-dev zlib1g-dev libclblast-dev libcmocka-dev
    brews meson ninja pkg-config python3 libyaml jansson popt cairo libpng clblast cmocka
}
