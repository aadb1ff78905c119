#!/usr/bin/env bash
# Builds the report's page from its lock file, compares it with the committed one byte for byte, and runs its tests in
# Chromium.
#   usage: scripts/check-web.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../web"

stop() {
  printf 'check-web.sh: %s\n' "$@" >&2
  exit 1
}
for tool in node npm; do
  command -v "$tool" >/dev/null || stop "$tool is not installed; scripts/install-deps.sh ci installs it."
done
[ "$(node --print 'Number(process.versions.node.split(".")[0]) >= 18')" = true ] ||
  stop "Node 18 or later is needed; this is $(node --version)."

committed=$(mktemp)
trap 'rm -f "$committed"' EXIT
cp report.html "$committed"
npm ci --no-audit --no-fund
npm run check
npm run build
cmp "$committed" report.html ||
  stop "web/report.html is not what its sources build; it is now: look at it and commit it with them."
npm test
