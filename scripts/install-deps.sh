#!/usr/bin/env bash
# Installs what qkv needs and is not there yet, on Debian and Ubuntu.
#   usage: scripts/install-deps.sh [run|test|ci]      default: run
# run: build and run the program; test: build and run its tests too, which draw with Graphviz and train in several
# processes with Open MPI; ci: what .ci/run needs besides, which is Clang with its sanitizers, clang-format and
# clang-tidy, a g++ that compiles for 32 bits, and Node.js, Chromium and a Korean font for the page.
set -euo pipefail

purpose=${1:-run}
tools=(g++ cmake ninja pkg-config)
packages=(g++ cmake ninja-build pkgconf libeigen3-dev libfmt-dev libfccp-dev libcli11-dev nlohmann-json3-dev
  libutf8proc-dev libsentencepiece-dev zlib1g-dev libdnnl-dev)
libraries="Eigen 3.4, fmt, fast-cpp-csv-parser, CLI11, nlohmann-json, utf8proc, SentencePiece, zlib and, for speed, oneDNN"
case $purpose in
  run) ;;
  test | ci)
    tools+=(dot mpirun)
    packages+=(libgtest-dev graphviz libopenmpi-dev openmpi-bin)
    libraries="GoogleTest, Open MPI, $libraries"
    ;;
  *)
    echo "usage: scripts/install-deps.sh [run|test|ci]" >&2
    exit 2
    ;;
esac
if [ "$purpose" = ci ]; then
  tools+=(clang-format clang-tidy clang++)
  packages+=(clang-format clang-tidy clang libclang-rt-dev g++-multilib fonts-nanum)
  # The page's tools may have come from elsewhere than Debian, whose packages would then stand in their way.
  for tool in node:nodejs npm:npm chromium:chromium; do
    tools+=("${tool%:*}")
    command -v "${tool%:*}" >/dev/null || packages+=("${tool#*:}")
  done
fi

stop() {
  printf 'install-deps.sh: %s\n' "$@" >&2
  exit 1
}

# Elsewhere nothing is installed: the tools must be there, and CMake says which library it cannot find.
if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  missing=()
  for tool in "${tools[@]}"; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    stop "this is neither Debian nor Ubuntu, so nothing was installed." \
      "Not found: ${missing[*]}." \
      "Needed: a C++20 compiler, CMake 3.25 or later, Ninja, pkg-config, $libraries." \
      "Debian calls these packages: ${packages[*]}."
  fi
  echo "Neither Debian nor Ubuntu: nothing was installed. The tools are there; CMake will look for $libraries."
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=absent
  [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "Everything is installed."
  exit 0
fi

echo "Installing: ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null ||
    stop "installing packages needs root, and there is no sudo. As root, run: apt-get install ${missing[*]}"
  as_root=(sudo)
  echo "This needs root, through sudo."
fi
apt_get() {
  ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Use-Pty=0 "$@"
}
echo "Fetching the lists of packages (apt-get update)"
apt_get update || stop "apt-get update failed, for the reason above. Is the network there?" \
  "If only one source of packages is broken, install by hand: apt-get install ${missing[*]}"
echo "Installing them (apt-get install), which takes a minute"
apt_get install --no-install-recommends -y "${missing[@]}" >/dev/null ||
  stop "apt-get could not install all of: ${missing[*]}" \
    "The reason is above. A package that cannot be located means a release older than Debian 12 or Ubuntu 24.04," \
    "or, on Ubuntu, that the source \"universe\" is off: add-apt-repository universe"
