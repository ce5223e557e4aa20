#!/usr/bin/env bash
# initramfs.sh WORK: busybox, the modules that mount the machine's root over 9p,
# and init, as WORK/initramfs.
set -euo pipefail
work=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$(basename "$work"/kernel/boot/vmlinuz-*)
version=${version#vmlinuz-}

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{bin,sbin,modules,proc,sys,dev,lower,upper,new}
cp "$(command -v busybox)" "$tree/bin/busybox"
cp "$here/init" "$tree/init"
# The kernel asks for modules here, they are in the machine's root.
printf '#!/bin/busybox sh\nexec /bin/busybox chroot /new /sbin/modprobe "$@"\n' > "$tree/sbin/modprobe"
chmod +x "$tree/init" "$tree/sbin/modprobe"

# In the order in which they must be loaded, each once.
for module in virtio_pci 9pnet_virtio 9p overlay; do
    modprobe -d "$work/kernel" -S "$version" --show-depends "$module"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' > "$tree/order"
while read -r path; do
    cp "$path" "$tree/modules/"
    echo "/modules/$(basename "$path")"
done < "$tree/order" > "$tree/modules/order"
rm "$tree/order"

(cd "$tree" && find . | busybox cpio -o -H newc 2>/dev/null) | gzip -1 > "$work/initramfs"
