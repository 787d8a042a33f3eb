#!/bin/sh
# Installs the validator of HTML from package-lock.json, with Java and npm from Debian where these are absent and we may.
set -eu

cd "$(dirname "$0")"
missing=""
command -v java >/dev/null || missing="default-jre-headless"
command -v npm >/dev/null || missing="$missing nodejs npm"
if [ -n "$missing" ] && { [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; }; then
    echo "The validator needs more. On Debian, as root: apt-get install $missing" >&2
    exit 1
fi
if [ -n "$missing" ]; then
    echo "Installing $missing ..."
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086  # several packages
    apt-get -o DPkg::Lock::Timeout=500 install -y --no-install-recommends $missing >/dev/null
fi
newest="node_modules/.package-lock.json"
if [ -e "$newest" ] && [ "$newest" -nt package-lock.json ]; then
    exit 0
fi
echo "Installing vnu-jar ..."
npm ci --no-audit --no-fund --ignore-scripts >/dev/null
