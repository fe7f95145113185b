#!/bin/sh
# Installs Debian packages that are not there yet; where it may not, says exactly what to install.
set -eu

missing=""
for package in "$@"; do
    case $package in
        postgresql) ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing $package" ;;
        nginx | pgbouncer) command -v "$package" "/usr/sbin/$package" >/dev/null 2>&1 || missing="$missing $package" ;;
        *) command -v "$package" >/dev/null 2>&1 || missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    sudo=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    sudo="sudo"
else
    echo "Needed and not installed:$missing"
    echo "Install with: apt-get install$missing"
    exit 1
fi
echo "Installing$missing"
# The server that a package would start is of no use here: tests start their own.
$sudo apt-get update -qq
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
