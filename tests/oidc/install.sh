#!/bin/sh
# Installs the independent OpenID Connect provider of the browser tests, from package-lock.json. Never fails: without it the tests
# say so.
set -eu

cd "$(dirname "$0")"
newest="node_modules/.package-lock.json"
if [ -e "$newest" ] && [ "$newest" -nt package-lock.json ]; then
    exit 0
fi
if ! command -v npm >/dev/null && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "Installing nodejs npm ..."
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=500 install -y --no-install-recommends nodejs npm >/dev/null || true
fi
if ! command -v npm >/dev/null; then
    echo "No independent eID provider: npm is absent. On Debian, as root: apt-get install nodejs npm"
    exit 0
fi
echo "Installing oidc-provider ..."
npm ci --no-audit --no-fund --ignore-scripts >/dev/null || echo "No independent eID provider: npm could not install it."
