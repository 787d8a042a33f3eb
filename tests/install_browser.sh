#!/bin/sh
# Installs Debian's Chromium for the browser tests where it is absent and we may. Never fails: without it the tests say so.
set -eu

packages="chromium fonts-dejavu-core fonts-liberation"
export DEBIAN_FRONTEND=noninteractive

install() {
    # shellcheck disable=SC2086  # several packages
    apt-get -o DPkg::Lock::Timeout=500 install -y --no-install-recommends $packages
}

if [ -x /usr/bin/chromium ]; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "No browser: /usr/bin/chromium is absent. On Debian, as root: apt-get install $packages"
    exit 0
fi
echo "Installing $packages ..."
if install >/dev/null 2>&1; then
    exit 0
fi
# The list of packages may be missing or old: fetch it and try once more.
if ! { apt-get -o DPkg::Lock::Timeout=500 update && install; } >/dev/null; then
    echo "No browser: apt-get could not install $packages (its own words are above)."
fi
