#!/usr/bin/env bash
# Writes a report of each of the small models of docs/checkpoint and runs the page's tests on it in Chromium. Needs the
# packages that scripts/check-web.sh installs.
#   usage: scripts/check-reports.sh QKV
set -euo pipefail
qkv=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../web"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for model in transformer rnn-attention rnn; do
  printf '%s\n' "$model"
  "$qkv" report ../docs/checkpoint/$model --data ../docs/checkpoint --sentence '유나는 작은 책을 안 그립니다 .' \
    --out "$folder/$model.html"
  node tests/run.mjs "$folder/$model.html"
done
