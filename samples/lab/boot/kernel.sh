#!/usr/bin/env bash
# kernel.sh WORK: unpacks Debian's kernel to WORK/kernel, nothing is installed.
# An ordinary build machine's own kernel often lacks ip_vs.
set -euo pipefail
work=$1
if compgen -G "$work/kernel/boot/vmlinuz-*" >/dev/null; then exit; fi

package=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: //p' | head -1)
cd "$work"
apt-get download "$package"
dpkg -x "$package"_*.deb kernel
depmod -b kernel "${package#linux-image-}"
