#!/usr/bin/env bash
# Compiles the general library (the engine, layers, files, training) and programs that use it for 32 bits, as a browser
# will need it; warnings, such as of a narrowing conversion, are errors. Nothing is linked.
# Needs a g++ that knows -m32 (Debian: g++-multilib).
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

include=$(mktemp -d)
trap 'rm -rf "$include"' EXIT
ln -s "$PWD" "$include/qkv"
sources=(autograd/*.cpp autograd/*/*.cpp files/*.cpp train/*.cpp examples/own_*/main.cpp tests/package/training/main.cpp)
for source in "${sources[@]}"; do
  case $source in *'*'*) continue ;; esac # a folder without any
  echo "$source"
done | xargs -P "$(nproc)" -I{} g++ -m32 -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Werror \
  -I "$include" -isystem "$(pkg-config --variable=prefix eigen3)/include/eigen3" {}
echo "All of it compiles for 32 bits."
